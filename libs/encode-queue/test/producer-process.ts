/** A producer in a process of its own. Its one argument is a {@link ProducerProcessOptions} in JSON. */
import { RedisEncodeProducer } from '../src/redis-encode-producer.ts';
import type { ProducerProcessOptions } from './child-process.ts';
import { jobOf } from './jobs.ts';
import { Recorder } from './recorder.ts';

const { names, ...options }: ProducerProcessOptions = JSON.parse(process.argv[2] ?? '');
const recorder = new Recorder();
let added = 0;

const producer = await RedisEncodeProducer.open({
  ...options,
  observer: {
    ...recorder.observer,
    added: () => {
      added += 1;
      if (added === names.length) process.send?.({ ready: true });
    },
  },
  findEmbedding: async () => undefined,
});
const outcomes = await Promise.all(names.map((name) => producer.encode(jobOf(name))));
process.send?.({ answers: outcomes.map(({ ok }) => ok) });
await producer.close();
process.disconnect();
