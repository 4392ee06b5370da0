import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatAnswer, createClient } from '@eidetic/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

let server: StandaloneServer;

beforeAll(async () => {
  server = await StandaloneServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

/** What the server has done so far. */
const work = async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const value = (series: string): number => {
    const line = metrics.split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length) ?? 0);
  };
  return {
    encodedImages: value('eidetic_image_encode_seconds_count{stage="encode"}'),
    promptTokens: value('eidetic_engine_prefill_tokens_total{purpose="prompt"}'),
    keptAnswerTokens: value('eidetic_engine_prefill_tokens_total{purpose="consolidation"}'),
  };
};

/** Tokens of the prompt that had to be computed. */
const newTokens = ({ usage }: ChatAnswer): number => usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens;

it('sends, encodes and computes nothing twice in the second turn about a picture', async () => {
  const sentBytes: number[] = [];
  const client = createClient({
    baseUrl: server.url,
    fetch: (input, init) => {
      if (init?.method === 'POST') sentBytes.push(Buffer.byteLength(String(init.body)));
      return fetch(input, init);
    },
  });
  const picture = readFileSync(join(GOLDENS_DIRECTORY, 'images/09-relation-1.png'));
  const dialog = client.dialog();

  const start = await work();
  const first = await dialog.ask('What is this?', { images: [picture] });
  // While the person reads the answer, it becomes part of what is kept.
  await expect
    .poll(async () => (await work()).keptAnswerTokens - start.keptAnswerTokens)
    .toBe(first.usage.completion_tokens);
  const between = await work();
  expect(between.encodedImages - start.encodedImages).toBe(1);
  expect(between.promptTokens - start.promptTokens).toBe(newTokens(first));
  expect(first.images).toMatchObject([{ cached: false }]);

  const question = 'What color is the background?';
  const second = await dialog.ask(question);
  const end = await work();
  expect(sentBytes).toHaveLength(2);
  expect(sentBytes[0]).toBeGreaterThan(picture.length);
  expect(sentBytes[1]).toBeLessThan(500);
  expect(second.images).toEqual([{ ...first.images[0], cached: true }]);
  expect(end.encodedImages).toBe(between.encodedImages);
  // Of the dialog so far, not a token is computed again: what is new is the question and what frames it.
  const dialogTokens = first.usage.prompt_tokens + first.usage.completion_tokens;
  expect(second.usage.prompt_tokens_details.cached_tokens).toBe(dialogTokens);
  expect(end.promptTokens - between.promptTokens).toBe(newTokens(second));
  expect(newTokens(second)).toBeLessThan(question.length);
});
