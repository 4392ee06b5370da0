import type { Precision } from '@eidetic/bundle';
import { startEidetic, startLlamaCpp } from '../decoders.ts';
import { tokensPerSecond } from '../figures.ts';
import { randomPrompts } from '../prompts.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import { spread } from '../statistics.ts';
import type { Suite } from '../suite.ts';

const PRECISION: Precision = 'int8';
const CONCURRENCY = [1, 2, 4, 8, 16];
const PAST = 100;
const DECODED = 65;

/** Answers that are generated at the same time, from one to sixteen. */
export const concurrencySuite: Suite = {
  name: 'concurrency',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const size = { sequences: Math.max(...CONCURRENCY), contextSize: 512 };
    const ours = started.use(await startEidetic(context, PRECISION, size));
    const { decoders: threadings } = await startLlamaCpp(context, PRECISION, size);
    for (const peer of threadings) started.use(peer);
    // With more threads it spins: suite decoder-int8 shows what that does where cores are shared.
    const peers = threadings.slice(-1);
    const probes = CONCURRENCY.flatMap((count) =>
      [ours, ...peers].map(
        (decoder): Probe => ({
          contender: decoder.name,
          metric: `decode of ${count}, tokens/s`,
          better: 'higher',
          async measure(round) {
            const job = { prompts: randomPrompts(count, PAST, round), tokens: DECODED };
            return tokensPerSecond(await decoder.call('generate', job));
          },
        }),
      ),
    );
    const measurements = await alternate(probes, context.rounds);
    const rate = (count: number): number => {
      const found = measurements.find(
        ({ contender, metric }) => contender === OURS && metric.startsWith(`decode of ${count},`),
      );
      return spread(found?.samples ?? []).median;
    };
    return {
      name: 'concurrency',
      title: `Answers at the same time, ${PRECISION} weights, ${context.threads} threads, after ${PAST} positions`,
      facts: { '8 at once against 1, times': rate(8) / rate(1) },
      measurements,
    };
  },
};
