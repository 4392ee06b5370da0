/** A consumer in a process of its own, for tests that end or block it. Its one argument is a {@link ConsumerProcessOptions} in JSON. */

import { NO_OBSERVER } from '../src/no-observer.ts';
import { RedisEncodeConsumer } from '../src/redis-encode-consumer.ts';
import type { ConsumerProcessOptions } from './child-process.ts';
import { ENCODED } from './jobs.ts';

const { blockMs = 0, holds = false, ...options }: ConsumerProcessOptions = JSON.parse(process.argv[2] ?? '');
let blocked = blockMs === 0;

await RedisEncodeConsumer.open({
  ...options,
  observer: NO_OBSERVER,
  handler: async (jobs) => {
    process.send?.({ handled: jobs.map(({ key }) => key) });
    if (holds) await new Promise(() => undefined);
    if (!blocked) {
      blocked = true;
      // The message above gets out before the event loop stands still.
      await new Promise((resolve) => setTimeout(resolve, 50));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
    }
    return jobs.map(() => ENCODED);
  },
});
process.send?.({ ready: true });
