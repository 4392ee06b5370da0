import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDnsResolver } from './resolve-host.ts';

const A = 1;
const AAAA = 28;
const [SERVFAIL, NXDOMAIN, REFUSED] = [2, 3, 5];

type Reply = { readonly code?: number; readonly addresses?: readonly (readonly number[])[] } | 'silence';

/** A name server (RFC 1035) that says of each type of record what it is told. */
const startNameServer = async (reply: (type: number) => Reply) => {
  const server = createSocket('udp4');
  const asked: number[] = [];
  server.on('message', (query, { port, address }) => {
    // The header has 12 bytes; the question is a name that ends with an empty label, type and class.
    const end = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(end - 4);
    asked.push(type);
    const answer = reply(type);
    if (answer === 'silence') return;
    const { code = 0, addresses = [] } = answer;
    const header = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      0x80 | code,
      0,
      1,
      0,
      addresses.length,
      0,
      0,
      0,
      0,
    ]);
    const records = addresses.flatMap((bytes) => [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]);
    server.send(Buffer.concat([header, query.subarray(12, end), Buffer.from(records)]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { asked, resolve: createDnsResolver([`127.0.0.1:${server.address().port}`]) };
};

const signal = new AbortController().signal;
const IPV4 = {
  addresses: [
    [127, 0, 0, 1],
    [1, 2, 3, 4],
  ],
};
const IPV6 = { addresses: [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]] };

describe('the addresses of a name', () => {
  it('are those of both kinds, each asked for once', async () => {
    const { asked, resolve } = await startNameServer((type) => (type === A ? IPV4 : IPV6));
    expect(await resolve('name.test', signal)).toEqual(['127.0.0.1', '1.2.3.4', '2001:db8::1']);
    expect(asked.toSorted()).toEqual([A, AAAA]);
  });

  it('are those of one kind where there are no others, or nobody can say', async () => {
    for (const other of [{}, { code: NXDOMAIN }, { code: SERVFAIL }]) {
      const { resolve } = await startNameServer((type) => (type === AAAA ? IPV6 : other));
      expect(await resolve('name.test', signal)).toEqual(['2001:db8::1']);
    }
  });

  it('are none where the name is not there', async () => {
    for (const reply of [{}, { code: NXDOMAIN }]) {
      const { resolve } = await startNameServer(() => reply);
      expect(await resolve('name.test', signal)).toEqual([]);
    }
  });

  it('are unknown where the server fails', async () => {
    for (const code of [SERVFAIL, REFUSED]) {
      const { resolve } = await startNameServer(() => ({ code }));
      await expect(resolve('name.test', signal)).rejects.toMatchObject({
        reason: 'unreachable',
        message: 'the name name.test could not be looked up',
      });
    }
  });

  it('are not waited for once the signal is aborted', async () => {
    const { asked, resolve } = await startNameServer(() => 'silence');
    const controller = new AbortController();
    const looking = resolve('name.test', controller.signal);
    await expect.poll(() => asked.length).toBe(2);
    controller.abort(new Error('gone'));
    await expect(looking).rejects.toThrow('gone');
    // Nobody has tried a second time in between.
    expect(asked).toHaveLength(2);
  });
});
