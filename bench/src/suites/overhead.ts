import { percentile } from '@eidetic/load';
import { ChatClient, type StreamedAnswer } from '../chat-client.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import { startCluster } from '../start-cluster.ts';
import type { Suite } from '../suite.ts';

const CONCURRENCY = [1, 8];
const REQUESTS = 40;
const MAX_TOKENS = 32;

/** What a gateway adds to the time that an answer takes at its decoder: text only, client and cluster on the same cores. */
export const overheadSuite: Suite = {
  name: 'overhead',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const cluster = started.use(await startCluster(context));
    const client = started.use(await ChatClient.connect(cluster.gateways[0]?.http ?? ''));
    let asked = 0;
    const one = (): Promise<StreamedAnswer> =>
      client.ask([{ type: 'text', text: `Question ${asked++}: who are you?` }], MAX_TOKENS);
    const probes = CONCURRENCY.flatMap((count): Probe[] => {
      let overheads: number[] = [];
      const figure = (share: number, measureFirst: boolean): Probe => ({
        contender: OURS,
        metric: `around the decoder, ${count} at once, p${share * 100}, ms`,
        better: 'lower',
        async measure() {
          if (measureFirst) overheads = await overheadsOf(count, one);
          return percentile(overheads, share);
        },
      });
      return [figure(0.5, true), figure(0.99, false)];
    });
    return {
      name: 'overhead',
      title: `What a gateway adds, ${REQUESTS} questions a round, ${context.threads} cores for all`,
      facts: { 'longest answer, tokens': MAX_TOKENS },
      measurements: await alternate(probes, context.rounds),
    };
  },
};

/** Runs the requests of a round, `count` at a time; what each took beside its time at the decoder, in milliseconds. */
async function overheadsOf(count: number, one: () => Promise<StreamedAnswer>): Promise<number[]> {
  const overheads: number[] = [];
  const work = async (): Promise<void> => {
    while (overheads.length < REQUESTS) {
      const { totalMs, serverMs } = await one();
      overheads.push(totalMs - serverMs.decoderMs);
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return overheads;
}
