import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { Service } from './service.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** A process that notes with what it exits, and a service that notes what it is told. */
const setUp = (drain: () => Promise<void>) => {
  const calls: string[] = [];
  const exited = Promise.withResolvers<number>();
  const process = Object.assign(new EventEmitter(), { exit: exited.resolve });
  const service: Service<string> = {
    start: async () => '',
    drain: () => {
      calls.push('drain');
      return drain();
    },
    stop: async () => {
      calls.push('stop');
    },
  };
  const { signalled } = stopOnSignals(service, process, () => {});
  return { calls, exited: exited.promise, process, signalled };
};

it.each(['SIGTERM', 'SIGINT'])('drains, stops and exits with 0 on %s', async (signal) => {
  const { calls, exited, process, signalled } = setUp(async () => {});
  expect(signalled()).toBe(false);
  process.emit(signal);
  expect(signalled()).toBe(true);
  expect(await exited).toBe(0);
  expect(calls).toEqual(['drain', 'stop']);
});

it('exits at once on a second signal while it drains', async () => {
  const { calls, exited, process } = setUp(() => new Promise(() => {}));
  process.emit('SIGTERM');
  process.emit('SIGINT');
  expect(await exited).toBe(1);
  expect(calls).toEqual(['drain']);
});

it('exits with 1 when it cannot stop cleanly', async () => {
  const { exited, process } = setUp(() => Promise.reject(new Error('stuck')));
  process.emit('SIGTERM');
  expect(await exited).toBe(1);
});
