import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatAnswer, type ChatEvent, createClient, type EideticClient, image } from '@eidetic/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

let server: StandaloneServer;
let client: EideticClient;

beforeAll(async () => {
  server = await StandaloneServer.start();
  client = createClient({ baseUrl: server.url });
});
afterAll(() => server[Symbol.asyncDispose]());

const picture = readFileSync(join(GOLDENS_DIRECTORY, 'images/17-ground-1.png'));

/** The whole answer of a stream, once its pieces are found to make it up. */
async function gathered(events: AsyncIterable<ChatEvent>): Promise<ChatAnswer> {
  const all = await Array.fromAsync(events);
  const last = all.at(-1);
  if (last?.kind !== 'finished') throw new Error('The stream did not finish.');
  expect(all[0]).toMatchObject({ kind: 'started', id: last.answer.id, images: last.answer.images });
  for (const [choice, { text, grounding, logprobs, finishReason }] of last.answer.choices.entries()) {
    const own = all.filter((event) => 'choice' in event && event.choice === choice);
    expect(own.map((event) => (event.kind === 'text' ? event.text : '')).join('')).toBe(text);
    expect(own.flatMap((event) => (event.kind === 'grounding' ? event.grounding : []))).toEqual(grounding);
    expect(own.flatMap((event) => (event.kind === 'logprobs' ? event.tokens : []))).toEqual(logprobs ?? []);
    expect(own.at(-1)).toEqual({ kind: 'ended', choice, finishReason });
  }
  return last.answer;
}

/** What stays the same when the same is asked again. */
const lasting = ({ choices, model, usage }: ChatAnswer) => ({
  choices,
  model,
  tokens: usage.total_tokens,
  imageTokens: usage.prompt_tokens_details.image_tokens,
});

const textOf = (answer: ChatAnswer): string =>
  Buffer.from((answer.logprobs ?? []).flatMap(({ bytes }) => bytes ?? [])).toString();

describe('a chat', () => {
  it('gives the same whole and streamed, several answers with boxes and log probabilities', async () => {
    const content = [await image(picture), { type: 'text', text: 'Draw a box around the steam train.' }] as const;
    const request = { messages: [{ role: 'user', content }], n: 2, logprobs: true, top_logprobs: 2, seed: 3 } as const;
    const whole = await client.chat(request);
    expect(lasting(await gathered(client.streamChat(request)))).toEqual(lasting(whole));
    expect(whole.grounding).toEqual([
      { text: 'the steam train', box: { x1: 47, y1: 6, x2: 203, y2: 173 }, imageIndex: 0 },
    ]);
    expect(textOf(whole)).toBe(whole.text);
    expect(whole.timings.totalMs).toBeGreaterThan(0);
  });
});

describe('a completion', () => {
  it('gives the same whole and streamed, log probabilities in the form of chats', async () => {
    const url = (await image(picture)).image_url.url;
    for (const prompt of [`<img>${url}</img>This is`, '从前']) {
      const request = { prompt, max_tokens: 12, logprobs: 2, temperature: 1.5, top_p: 1, seed: 2 };
      const whole = await client.complete(request);
      expect(whole.choices).toHaveLength(1);
      expect(textOf(whole)).toBe(whole.text);
      expect(lasting(await gathered(client.streamComplete(request)))).toEqual(lasting(whole));
    }
  });
});
