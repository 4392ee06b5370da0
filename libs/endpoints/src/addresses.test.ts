import { describe, expect, it } from 'vitest';
import { parseAddresses } from './addresses.ts';

describe('the addresses of a service', () => {
  it('are those of a list, as they are', async () => {
    expect(await parseAddresses('127.0.0.1:50051')()).toEqual(['127.0.0.1:50051']);
    expect(await parseAddresses('a:1, b.c:2,[::1]:65535')()).toEqual(['a:1', 'b.c:2', '[::1]:65535']);
  });

  it('are those that a name has when it is looked up', async () => {
    const asked: string[] = [];
    const resolve = parseAddresses('dns:///decoder.eidetic.svc:50051', async (host) => {
      asked.push(host);
      return asked.length === 1
        ? [{ address: '10.0.0.1', family: 4 }]
        : [
            { address: '10.0.0.2', family: 4 },
            { address: 'fd00::2', family: 6 },
          ];
    });
    expect([await resolve(), await resolve()]).toEqual([['10.0.0.1:50051'], ['10.0.0.2:50051', '[fd00::2]:50051']]);
    expect(asked).toEqual(['decoder.eidetic.svc', 'decoder.eidetic.svc']);
  });

  it('are looked up by the system', async () => {
    expect(await parseAddresses('dns:///localhost:50051')()).toContain('127.0.0.1:50051');
  });

  it.each(['', 'decoder', 'decoder:0', 'decoder:65536', 'http://decoder:1', 'a:1,', 'dns:///a', 'dns://8.8.8.8/a:1'])(
    'cannot be %j',
    (text) => {
      expect(() => parseAddresses(text)).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    },
  );
});
