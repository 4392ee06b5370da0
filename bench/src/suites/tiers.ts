import { unseenPicture } from '@eidetic/chaos';
import { ChatClient, type StreamedAnswer } from '../chat-client.ts';
import { modelFlops, peakFlops } from '../flops.ts';
import { type Measurement, OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import { startCluster } from '../start-cluster.ts';
import type { Suite, SuiteContext } from '../suite.ts';

const PICTURE = new URL('../../../test/data/goldens/images/05-detail-1.png', import.meta.url);
const QUESTION = 'What is shown in this picture?';
const NEXT_QUESTION = 'Where is it in the picture?';
const MAX_TOKENS = 64;
/** Chats that throughput is measured with. The decoder has as many slots, so that it can keep the state of each. */
const AT_ONCE = 8;
/** What each figure would be if its operations were all there is, at the rate of large float32 matrix products. */
const CEILING = 'arithmetic alone, float32';

/** From the least that is there already to the most. */
const TIERS = {
  cold: 'picture never seen',
  redis: 'embedding in Redis',
  process: 'embedding in this gateway',
  next: 'next turn, embedding and keys/values there',
} as const;

type Tier = keyof typeof TIERS;

/** Time to first token and chats a second through a cluster, by what is there already. */
export const tiersSuite: Suite = {
  name: 'tiers',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const cluster = started.use(await startCluster(context));
    const [here, there] = await Promise.all(cluster.gateways.map(({ http }) => ChatClient.connect(http)));
    if (!here || !there) throw new Error('Two gateways are needed.');
    started.use(here);
    started.use(there);
    const chats = new TieredChats(here, there);
    const latency = (tier: Tier): Probe => ({
      contender: OURS,
      metric: firstTokenOf(tier),
      better: 'lower',
      async measure(round) {
        const ask = await chats.prepare(tier, `round ${round}`);
        return (await ask(MAX_TOKENS)).arrivedMs[0] ?? Number.NaN;
      },
    });
    const throughput = (tier: Tier): Probe => ({
      contender: OURS,
      metric: chatsOf(tier),
      better: 'higher',
      async measure(round) {
        const names = Array.from({ length: AT_ONCE }, (_, i) => `chat ${i} of round ${round}`);
        const asks = await Promise.all(names.map((name) => chats.prepare(tier, name)));
        const startMs = performance.now();
        await Promise.all(asks.map((ask) => ask(1)));
        return (AT_ONCE * 1000) / (performance.now() - startMs);
      },
    });
    const tiers = Object.keys(TIERS) as Tier[];
    const measurements = await alternate([...tiers.map(latency), ...tiers.map(throughput)], context.rounds);
    const costs = await flopsOf(context);
    const peak = await peakFlops(context.threads);
    const ceilings = tiers.flatMap((tier): Measurement[] => {
      const ms = (costs[tier] / peak) * 1000;
      return [
        { contender: CEILING, metric: firstTokenOf(tier), better: 'lower', samples: [ms] },
        { contender: CEILING, metric: chatsOf(tier), better: 'higher', samples: [1000 / ms] },
      ];
    });
    return {
      name: 'tiers',
      title: `First tokens and chats of one token through a cluster on ${context.threads} cores`,
      facts: { 'float32 matrix products here, GFLOP/s': peak / 1e9 },
      measurements: measurements.flatMap((measured) => [
        measured,
        ...ceilings
          .filter(({ metric }) => metric === measured.metric)
          .map((ceiling) => ({ ...ceiling, samples: measured.samples.map(() => ceiling.samples[0] ?? Number.NaN) })),
      ]),
    };
  },
};

const firstTokenOf = (tier: Tier): string => `first token, ${TIERS[tier]}, ms`;
const chatsOf = (tier: Tier): string => `chats a second, ${AT_ONCE} at once, ${TIERS[tier]}`;

/** Chats for which so much is there, and no more: each tier's follow those of the tier before it, in the same round. */
class TieredChats {
  readonly #here: ChatClient;
  readonly #there: ChatClient;
  #asked = 0;

  constructor(here: ChatClient, there: ChatClient) {
    this.#here = here;
    this.#there = there;
  }

  /** A question that is ready to be asked, of an answer of so many tokens at most. */
  async prepare(tier: Tier, name: string): Promise<(maxTokens: number) => Promise<StreamedAnswer>> {
    const bytes = await unseenPicture(PICTURE, `${name} of ${process.pid}`);
    const url = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
    const picture = { type: 'image_url', image_url: { url } };
    const question = { type: 'text', text: QUESTION };
    if (tier === 'next') return this.#nextTurn([picture, question]);
    const client = tier === 'cold' ? this.#here : this.#there;
    // Other words before the picture: no key/value state of it can be used again.
    const before = { type: 'text', text: `Question ${this.#asked++}.` };
    return (maxTokens) => client.ask([before, picture, question], maxTokens);
  }

  async #nextTurn(first: Parameters<ChatClient['ask']>[0]) {
    const { text } = await this.#here.ask(first, MAX_TOKENS);
    const history = [
      { role: 'user', content: first },
      { role: 'assistant', content: text },
    ];
    const next = [{ type: 'text', text: NEXT_QUESTION }];
    return (maxTokens: number) => this.#here.ask(next, maxTokens, { history });
  }
}

/** About what the texts here take: system prompt, question, and the words around them. */
const PROMPT_TEXT_TOKENS = 45;
const NEXT_TURN_TOKENS = 30;

/** Operations of a chat up to its first token. */
async function flopsOf({ checkpointDirectory }: SuiteContext): Promise<Readonly<Record<Tier, number>>> {
  const { picture, pictureTokens, position } = await modelFlops(checkpointDirectory);
  const prompt = position * (pictureTokens + PROMPT_TEXT_TOKENS);
  return { cold: picture + prompt, redis: prompt, process: prompt, next: position * NEXT_TURN_TOKENS };
}
