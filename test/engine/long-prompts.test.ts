import type { GenerateRequest, ImageEmbedding } from '@eidetic/core';
import { EmbeddingTable, type Engine, type EngineOptions } from '@eidetic/engine';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FLOAT32_PRECISIONS, testBundle } from '../support/bundles.ts';
import { collect, Engines, generate, generateCounted, idsOf, Notes, request, sampled } from '../support/engines.ts';
import { type LongGolden, longGolden, longGoldens } from '../support/goldens.ts';

let engines: Engines;

const start = (options: Partial<EngineOptions> = {}): Promise<Engine> =>
  engines.start({ maxContext: engines.bundle.manifest.decoder.maxPositions, prefillChunk: 256, ...options });

beforeAll(async () => {
  engines = await Engines.open();
});

afterEach(() => engines.stopAll());

/** The greedy answer of the reference. */
const answerOf = ({ steps }: LongGolden): number[] => steps.map(([best]) => best?.[0] ?? Number.NaN);

const asking = (golden: LongGolden, options: Partial<GenerateRequest> = {}): GenerateRequest =>
  request(golden.prompt, { maxTokens: golden.steps.length, ...options });

/** The ids of a prompt of any length up to the longest golden's. */
const promptOf = (length: number): readonly number[] => longGoldens().at(-1)?.prompt.slice(0, length) ?? [];

describe('prompts longer than the 2,048 positions of training', () => {
  it('are answered as the reference does, long and short ones at once', async () => {
    const engine = await start({ bundle: await testBundle(FLOAT32_PRECISIONS) });
    const goldens = [5000, 2048, 2049].map(longGolden);
    const answers = await Promise.all(goldens.map((golden) => generate(engine, asking(golden))));
    expect(answers).toEqual(goldens.map(answerOf));
  }, 120_000);

  it('are counted with the rows of their pictures', async () => {
    const bundle = await testBundle(FLOAT32_PRECISIONS);
    const golden = longGolden(2049);
    const table = new EmbeddingTable(bundle);
    // A picture that looks like the words in its place: the answer must not change.
    const { hidden } = bundle.manifest.decoder;
    const words = golden.prompt.slice(1000, 1064);
    const data = new Float32Array(words.length * hidden);
    for (const [i, id] of words.entries()) table.read(id, data.subarray(i * hidden, (i + 1) * hidden));
    table.close();
    const embedding: ImageEmbedding = { data, tokens: words.length, hidden, imageWidth: 1, imageHeight: 1 };
    const prompt: GenerateRequest['prompt'] = [
      { kind: 'tokens', ids: golden.prompt.slice(0, 1000) },
      { kind: 'image', key: 'words', tokens: words.length, embedding },
      { kind: 'tokens', ids: golden.prompt.slice(1064) },
    ];
    const engine = await start({ bundle });
    expect(await generate(engine, asking(golden, { prompt }))).toEqual(answerOf(golden));
  }, 60_000);
});

describe('an answer that grows past the trained length', () => {
  it.each([2040, 4090])(
    'goes on at another decoder, the same to the bit: %i tokens and 40',
    async (length) => {
      const [first, second] = [await start(), await start()];
      const wanted = request(promptOf(length), { maxTokens: 40, sampling: sampled, logprobs: 2 });
      const whole = await collect(first.generate(wanted));
      for (const count of [3, 20]) {
        const rest = await collect(second.generate({ ...wanted, answered: idsOf(whole).slice(0, count) }));
        expect(rest.slice(1)).toEqual(whole.slice(1 + count));
      }
    },
    60_000,
  );
});

describe('state that was computed with another rotary base', () => {
  it('is not gone on from, nor copied from an answer that runs', async () => {
    const engine = await start({ slots: 3 });
    const leaving = new AbortController();
    const running = engine.generate(request(promptOf(2048), { maxTokens: 4000 }), leaving.signal);
    await running.next();
    await generateCounted(engine, request(promptOf(2047), { maxTokens: 2 }));
    const found = await generateCounted(engine, request(promptOf(2049)));
    expect(found).toEqual({ cached: 0, ids: await generate(await start(), request(promptOf(2049))) });
    // What has the same base is: 2,049 tokens for a longer prompt, 2,048 for a shorter one.
    expect(await generateCounted(engine, request(promptOf(2060)))).toMatchObject({ cached: 2049 });
    expect(await generateCounted(engine, request(promptOf(2040)))).toMatchObject({ cached: 2038 });
    leaving.abort();
    await expect(collect(running)).rejects.toMatchObject({ code: 'cancelled' });
  }, 60_000);

  it('is computed anew in the turn that passes the trained length, and found again in the next one', async () => {
    const notes = new Notes();
    const engine = await start({ observer: notes });
    const turn = promptOf(2030);
    const first = await generateCounted(engine, request(turn));
    await notes.until(({ consolidatedTokens }) => consolidatedTokens === first.ids.length);
    const second = [...turn, ...first.ids, ...promptOf(30)];
    const answer = await generateCounted(engine, request(second));
    expect(answer).toEqual({ cached: 0, ids: await generate(await start(), request(second)) });
    await notes.until(({ consolidatedTokens }) => consolidatedTokens === first.ids.length + answer.ids.length);
    const third = [...second, ...answer.ids, ...promptOf(30)];
    expect(await generateCounted(engine, request(third))).toMatchObject({ cached: second.length + answer.ids.length });
  }, 60_000);
});
