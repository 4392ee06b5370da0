import type { Bundle } from '@eidetic/bundle';
import { type GenerateRequest, GREEDY } from '@eidetic/core';
import type { Engine, EngineOptions } from '@eidetic/engine';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  collect,
  Engines,
  embeddingOf,
  generate,
  generateCounted,
  Notes,
  promptOf,
  request,
  sampled,
} from '../support/engines.ts';

let engines: Engines;
let bundle: Bundle;
const start = (options: Partial<EngineOptions> = {}): Promise<Engine> => engines.start(options);

beforeAll(async () => {
  engines = await Engines.open();
  ({ bundle } = engines);
});

afterEach(() => engines.stopAll());

describe('a prompt that begins like an earlier one', () => {
  it('computes only what is new once the last answer was computed again, while nothing else was to do', async () => {
    const notes = new Notes();
    const engine = await start({ observer: notes });
    const question = promptOf(60);
    const first = await generateCounted(engine, request(question));
    expect(first.cached).toBe(0);
    await notes.until(({ consolidatedTokens }) => consolidatedTokens === first.ids.length);
    const turn = [...question, ...first.ids, ...promptOf(20, 29)];
    const before = notes.prefilledTokens;
    expect(await generateCounted(engine, request(turn))).toMatchObject({ cached: 60 + first.ids.length });
    expect(notes.prefilledTokens - before).toBe(20);
    // The same prompt again: two positions are computed anew.
    expect(await generateCounted(engine, request(turn))).toMatchObject({ cached: turn.length - 2 });
  });

  it('never goes on from the state that decode steps left of an answer', async () => {
    const notes = new Notes();
    const engine = await start({ slots: 2, observer: notes });
    // Something else always runs: there is no time to compute an answer again.
    const busy = new AbortController();
    const other = collect(engine.generate(request(promptOf(9), { maxTokens: 500 }), busy.signal));
    const first = await generateCounted(engine, request(promptOf(60, 29)));
    const turn = [...promptOf(60, 29), ...first.ids, ...promptOf(20)];
    const second = await generateCounted(engine, request(turn, { maxTokens: 2 }));
    expect(second.cached).toBe(60);
    expect(notes.consolidations).toEqual([]);
    busy.abort();
    await expect(other).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('is computed once when it comes several times at once', async () => {
    const notes = new Notes();
    const engine = await start({ observer: notes });
    const wanted = [1, 2, 3, 4].map((seed) => request(promptOf(200), { sampling: { ...sampled, seed } }));
    const answers = await Promise.all(wanted.map((one) => generateCounted(engine, one)));
    expect(answers.map(({ cached }) => cached)).toEqual([0, 198, 198, 198]);
    expect(notes.prefilledTokens).toBe(200 + 3 * 2);
    for (const [i, one] of wanted.entries()) {
      const alone = await start({ slots: 1 });
      expect(answers[i]?.ids).toEqual(await generate(alone, one));
    }
  });

  it('is copied from an answer that is still running', async () => {
    const engine = await start();
    const running = engine.generate(request(promptOf(120), { maxTokens: 300 }));
    for await (const { kind } of running) {
      if (kind !== 'token') continue;
      const branch = request([...promptOf(120), ...promptOf(30, 29)]);
      const copied = await generateCounted(engine, branch);
      expect(copied).toEqual({ cached: 120, ids: await generate(await start(), branch) });
      break;
    }
  });

  it('does not take the pictures of another prompt for its own', async () => {
    const picture = (key: string, fill: number) =>
      ({ kind: 'image', key, tokens: 4, embedding: embeddingOf(bundle, fill, 4) }) as const;
    const about = (key: string, fill: number): GenerateRequest =>
      request([], {
        prompt: [{ kind: 'tokens', ids: [1, 2] }, picture(key, fill), { kind: 'tokens', ids: promptOf(9) }],
      });
    const engine = await start({ slots: 1 });
    await generateCounted(engine, about('a', 0.1));
    expect(await generateCounted(engine, about('b', 3))).toMatchObject({ cached: 2 });
    expect(await generateCounted(engine, about('b', 3))).toMatchObject({ cached: 13 });
  });

  it('takes the slot that holds it, and the one that is worth least when none does', async () => {
    const engine = await start({ slots: 2 });
    const [one, other] = [promptOf(40, 28), promptOf(40, 29)];
    const cachedOf = async (ids: readonly number[]) =>
      (await generateCounted(engine, request(ids, { maxTokens: 2 }))).cached;
    // Both begin with the system prompt: it is copied, and the other's slot left alone.
    expect([await cachedOf(one), await cachedOf(other)]).toEqual([0, 17]);
    expect([await cachedOf(other), await cachedOf(one), await cachedOf(other)]).toEqual([38, 38, 38]);
    // A third prompt displaces `one`, which was used before `other`.
    await cachedOf(one.toReversed());
    expect(await cachedOf(other)).toBe(38);
    expect(await cachedOf(one)).toBeLessThan(38);
  });

  it('gets bit for bit the answer that it would have got alone, whatever ran before and beside it', async () => {
    const alphabet = promptOf(12);
    const piece = fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 40 });
    // Dialogs are made of a few pieces, so that many begin alike; their turns come in waves that run side by side.
    const course = fc.tuple(fc.array(piece, { minLength: 2, maxLength: 3 }), fc.infiniteStream(fc.nat(1_000_000)));
    await fc.assert(
      fc.asyncProperty(course, async ([pieces, random]) => {
        const draw = (below: number): number => (random.next().value ?? 0) % below;
        const notes = new Notes();
        const reusing = await start({ slots: 3, prefillChunk: 16, observer: notes });
        const dialogs: number[][] = [[], [], [], []];
        for (let wave = 0; wave < 5; wave++) {
          const turns = Array.from({ length: 1 + draw(3) }, (_, i) => {
            const dialog = draw(dialogs.length);
            const ids = [...(dialogs[dialog] ?? []), ...(pieces[draw(pieces.length)] ?? [])];
            const sampling = draw(2) ? { ...sampled, seed: wave * 10 + i } : GREEDY;
            return { dialog, wanted: request(ids, { maxTokens: 1 + draw(8), sampling }) };
          });
          const found = await Promise.all(turns.map(({ wanted }) => generate(reusing, wanted)));
          for (const [i, { dialog, wanted }] of turns.entries()) {
            const alone = await start({ slots: 1, prefillChunk: 16 });
            expect(found[i]).toEqual(await generate(alone, wanted));
            await alone.stop();
            const prompt = wanted.prompt.flatMap((segment) => (segment.kind === 'tokens' ? segment.ids : []));
            dialogs[dialog] = [...prompt, ...(found[i] ?? [])];
          }
        }
      }),
      { numRuns: 6 },
    );
  }, 120_000);
});
