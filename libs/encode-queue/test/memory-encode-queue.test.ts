import { MemoryEncodeQueue } from '../src/memory-encode-queue.ts';
import { describeEncodeQueue } from './conformance.ts';
import { Recorder } from './recorder.ts';

describeEncodeQueue('memory', async () => {
  const recorder = new Recorder();
  const queue = new MemoryEncodeQueue({ observer: recorder.observer, retry: { attempts: 3, firstDelayMs: 10 } });
  return {
    producer: queue,
    recorder,
    // A consumer in the same process sees all there is.
    reached: async () => undefined,
    consume: async (handler, limits) => queue.consume(handler, limits),
    [Symbol.asyncDispose]: () => queue.close(),
  };
});
