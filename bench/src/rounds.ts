import { setTimeout } from 'node:timers/promises';
import type { Measurement } from './report.ts';

/** A figure that can be taken again and again, from one contender. */
export interface Probe {
  readonly contender: string;
  readonly metric: string;
  readonly better: Measurement['better'];
  /** Does the work of round `round` and returns the figure. Round 0 warms up and is not kept. */
  readonly measure: (round: number) => Promise<number>;
}

/** Time for the last contender's collectors and spinning threads to come to rest, so that nobody pays for a neighbour. */
const SETTLE_MS = 200;

/** Takes every figure once a round, one after the other, so that a slow minute of the machine hits all contenders. */
export async function alternate(probes: readonly Probe[], rounds: number): Promise<readonly Measurement[]> {
  const taken = probes.map((probe) => ({ ...probe, samples: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { measure, samples } of taken) {
      await setTimeout(SETTLE_MS);
      const value = await measure(round);
      if (round > 0) samples.push(value);
    }
  }
  return taken.map(({ contender, metric, better, samples }) => ({ contender, metric, better, samples }));
}
