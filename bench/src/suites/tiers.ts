import { unseenPicture } from '@eidetic/chaos';
import { ChatClient } from '../chat-client.ts';
import { modelFlops, peakFlops } from '../flops.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import { startCluster } from '../start-cluster.ts';
import type { Suite } from '../suite.ts';

const PICTURE = new URL('../../../test/data/goldens/images/05-detail-1.png', import.meta.url);
const QUESTION = 'What is shown in this picture?';
const NEXT_QUESTION = 'Where is it in the picture?';
const MAX_TOKENS = 64;

/** Time to first token through a cluster, by what is there already. */
export const tiersSuite: Suite = {
  name: 'tiers',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const peak = await peakFlops(context.threads);
    const cluster = started.use(await startCluster(context));
    const [here, there] = await Promise.all(cluster.gateways.map(({ http }) => ChatClient.connect(http)));
    if (!here || !there) throw new Error('Two gateways are needed.');
    started.use(here);
    started.use(there);
    let asked = 0;
    const part = async (round: number) => {
      const bytes = await unseenPicture(PICTURE, `round ${round} of ${process.pid}`);
      const url = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
      return { type: 'image_url', image_url: { url } };
    };
    /** Other words before the picture: no key/value state of it can be used again. */
    const ask = async (client: ChatClient, round: number): Promise<number> => {
      const before = { type: 'text', text: `Question ${asked++}.` };
      const content = [before, await part(round), { type: 'text', text: QUESTION }];
      return (await client.ask(content, MAX_TOKENS)).arrivedMs[0] ?? Number.NaN;
    };
    const nextTurn = async (round: number): Promise<number> => {
      const first = [await part(round), { type: 'text', text: QUESTION }];
      const { text } = await here.ask(first, MAX_TOKENS);
      const history = [
        { role: 'user', content: first },
        { role: 'assistant', content: text },
      ];
      const next = [{ type: 'text', text: NEXT_QUESTION }];
      return (await here.ask(next, MAX_TOKENS, { history })).arrivedMs[0] ?? Number.NaN;
    };
    const probe = (metric: string, measure: Probe['measure']): Probe => {
      return { contender: OURS, metric, better: 'lower', measure };
    };
    const measurements = await alternate(
      [
        probe('first token, picture never seen, ms', (round) => ask(here, round)),
        probe('first token, embedding in Redis, ms', (round) => ask(there, round)),
        probe('first token, embedding in this gateway, ms', (round) => ask(there, round)),
        probe('first token of the next turn, embedding and keys/values there, ms', nextTurn),
      ],
      context.rounds,
    );
    const { picture, pictureTokens, position } = await modelFlops(context.checkpointDirectory);
    const prompt = pictureTokens + PROMPT_TEXT_TOKENS;
    return {
      name: 'tiers',
      title: `Time to first token through a cluster on ${context.threads} cores`,
      facts: {
        'float32 matrix products here, GFLOP/s': peak / 1e9,
        'a picture at that rate, ms': (picture / peak) * 1000,
        [`a prompt of ${prompt} positions at that rate, ms`]: ((position * prompt) / peak) * 1000,
        [`a next turn of ${NEXT_TURN_TOKENS} positions at that rate, ms`]:
          ((position * NEXT_TURN_TOKENS) / peak) * 1000,
      },
      measurements,
    };
  },
};

/** About what the texts here take: system prompt, question, and the words around them. */
const PROMPT_TEXT_TOKENS = 45;
const NEXT_TURN_TOKENS = 30;
