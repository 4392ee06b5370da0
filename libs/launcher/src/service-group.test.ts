import { expect, it } from 'vitest';
import { ServiceGroup } from './service-group.ts';

const ports = { EIDETIC_GRPC_PORT: '0', EIDETIC_HTTP_PORT: '0' };

it('ends what has started, what is starting, and what will never answer', async () => {
  const group = new ServiceGroup();
  const failing = group.start('decoder', { settings: { ...ports, EIDETIC_SLOTS: 'many' } });
  await expect(failing).rejects.toThrow('EIDETIC_SLOTS');
  const waiting = Promise.withResolvers<void>();
  const gateway = group.start('gateway', {
    settings: { ...ports, EIDETIC_DECODERS: '127.0.0.1:1' },
    onLine: (line) => (line.startsWith('Waiting for decoders') ? waiting.resolve() : undefined),
  });
  const ended = expect(gateway).rejects.toThrow('ended before it answered');
  await waiting.promise;
  const decoder = await group.start('decoder', { settings: ports });
  const { pid } = decoder;
  expect(process.kill(pid, 0)).toBe(true);
  await group[Symbol.asyncDispose]();
  await ended;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(decoder.crashes).toEqual([]);
});
