import type { Precision } from '@eidetic/bundle';
import { percentile } from '@eidetic/load';
import type { Contender } from '../contender.ts';
import { startEidetic, startLlamaCpp } from '../decoders.ts';
import type { Interference, InterferencePeer } from '../peers/protocol.ts';
import { randomPrompts } from '../prompts.ts';
import type { Measurement } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite } from '../suite.ts';

const PRECISION: Precision = 'int8';
const STREAMS = 7;
const PAST = 500;
const PROMPT = 1500;
const SETTLE_TOKENS = 30;
const QUIET_TOKENS = 150;

/** What a long prompt does to answers that are running. */
export const interferenceSuite: Suite = {
  name: 'interference',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const size = { sequences: STREAMS + 1, contextSize: 2048 };
    const ours = started.use(await startEidetic(context, PRECISION, size));
    const unpaced = started.use(
      await startEidetic(context, PRECISION, size, { name: 'the prompt in one piece', prefillShare: 1 }),
    );
    const { decoders: threadings } = await startLlamaCpp(context, PRECISION, size);
    for (const peer of threadings) started.use(peer);
    // With more threads it spins: minutes a round where cores are shared, and no better anywhere here.
    const peers = threadings.slice(-1);
    const measurements: readonly Measurement[] = await alternate(
      [ours, unpaced, ...peers].flatMap((decoder) => probes(decoder)),
      context.rounds,
    );
    return {
      name: 'interference',
      title: `${STREAMS} running answers while a prompt of ${PROMPT} comes, ${PRECISION} weights, ${context.threads} threads`,
      facts: { 'positions before the running answers': PAST },
      measurements,
    };
  },
};

function probes(decoder: Contender<InterferencePeer>): Probe[] {
  let last: Interference | undefined;
  const figure = (metric: string, of: (run: Interference) => number): Probe => ({
    contender: decoder.name,
    metric,
    better: 'lower',
    async measure() {
      return last ? of(last) : Number.NaN;
    },
  });
  const run: Probe = {
    ...figure('between tokens without the prompt, p99, ms', () => Number.NaN),
    async measure(round) {
      last = await decoder.call('interfere', {
        streams: randomPrompts(STREAMS, PAST, round),
        prompt: randomPrompts(1, PROMPT, round)[0] ?? [],
        settleTokens: SETTLE_TOKENS,
        quietTokens: QUIET_TOKENS,
      });
      return percentile(last.quietMs, 0.99);
    },
  };
  return [
    run,
    figure('between tokens while it is computed, p99, ms', ({ busyMs }) => percentile(busyMs, 0.99)),
    figure('times as long, p99', ({ busyMs, quietMs }) => percentile(busyMs, 0.99) / percentile(quietMs, 0.99)),
    figure('between tokens while it is computed, longest, ms', ({ busyMs }) => Math.max(...busyMs)),
    figure('first token of the prompt, ms', ({ firstTokenMs }) => firstTokenMs),
  ];
}
