import type { Bundle } from '@eidetic/bundle';
import { type GenerateEvent, type GenerateRequest, GREEDY, type ImageEmbedding } from '@eidetic/core';
import { Engine, type EngineOptions } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { goldens } from '../support/goldens.ts';

let bundle: Bundle;
const engines: Engine[] = [];

beforeAll(async () => {
  bundle = await testBundle(DEFAULT_PRECISIONS);
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function start(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await Engine.create({
    bundle,
    resolveEmbedding: async () => undefined,
    slots: 4,
    maxContext: 512,
    prefillChunk: 128,
    maxWaiting: 8,
    ...options,
  });
  engines.push(engine);
  return engine;
}

/** A text prompt of the goldens, cut or repeated to a length. */
function promptOf(length: number, from = 28): number[] {
  const ids = goldens.cases[from]?.prompt_ids ?? [];
  return Array.from({ length }, (_, i) => ids[i % ids.length] ?? 0);
}

function request(ids: readonly number[], options: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: 'test',
    prompt: [{ kind: 'tokens', ids }],
    sampling: GREEDY,
    maxTokens: 24,
    stopTokenIds: [],
    ...options,
  };
}

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const idsOf = (events: readonly GenerateEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'token' ? [event.id] : []));

const generate = async (engine: Engine, wanted: GenerateRequest): Promise<number[]> =>
  idsOf(await collect(engine.generate(wanted)));

const sampled = { ...GREEDY, temperature: 1.5, topP: 0.95, topK: 0, repetitionPenalty: 1.1, seed: 11 };

it('refuses a bundle whose activations it cannot run', async () => {
  const half = await testBundle({ vision: 'float16', decoder: 'float16', head: 'float16' }, 'float16');
  await expect(start({ bundle: half })).rejects.toMatchObject({ code: 'invalid_bundle', message: /float16/ });
});

describe('Engine.generate', () => {
  it('says what was prefilled, then the tokens, then why it ended', async () => {
    const engine = await start();
    const events = await collect(engine.generate(request(promptOf(40), { maxTokens: 3 })));
    expect(events.map(({ kind }) => kind)).toEqual(['prefilled', 'token', 'token', 'token', 'finished']);
    expect(events[0]).toEqual({ kind: 'prefilled', promptTokens: 40, cachedTokens: 0 });
    expect(events.at(-1)).toEqual({ kind: 'finished', reason: 'length', completionTokens: 3 });
  });

  it('ends before a stop token', async () => {
    const engine = await start();
    const all = await generate(engine, request(promptOf(40)));
    const stop = all[5] ?? 0;
    const events = await collect(engine.generate(request(promptOf(40), { stopTokenIds: [stop] })));
    expect(idsOf(events)).toEqual(all.slice(0, all.indexOf(stop)));
    expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
  });

  it('gives a sequence the same tokens alone and among others', async () => {
    const engine = await start();
    const requests = [7, 40, 130, 300].map((length, i) =>
      request(promptOf(length, 28 + (i % 2)), i % 2 ? { sampling: { ...sampled, seed: i } } : {}),
    );
    const alone: number[][] = [];
    for (const wanted of requests) alone.push(await generate(engine, wanted));
    expect(await Promise.all(requests.map((wanted) => generate(engine, wanted)))).toEqual(alone);
  });

  it('gives the same tokens however the prompt is cut into chunks', async () => {
    // 129 positions in chunks of 64 or 4 would leave one position for the last chunk.
    const wanted = request(promptOf(129), { sampling: sampled });
    const whole = await generate(await start({ prefillChunk: 512 }), wanted);
    expect(await generate(await start({ prefillChunk: 64 }), wanted)).toEqual(whole);
    expect(await generate(await start({ prefillChunk: 4 }), wanted)).toEqual(whole);
  });

  it('draws the same answer from the same seed, and another from another', async () => {
    const engine = await start();
    const draw = (seed: number) => generate(engine, request(promptOf(30), { sampling: { ...sampled, seed } }));
    expect(await draw(5)).toEqual(await draw(5));
    expect(await draw(5)).not.toEqual(await draw(6));
  });

  it('gives the event loop a turn between any two tokens', async () => {
    const engine = await start();
    let turns = 0;
    const count = (): void => {
      turns++;
      handle = setImmediate(count);
    };
    let handle = setImmediate(count);
    const tokens = await generate(engine, request(promptOf(20), { maxTokens: 200 }));
    clearImmediate(handle);
    expect(turns).toBeGreaterThanOrEqual(tokens.length - 1);
  });

  it('serves more requests than it has slots, in the order they came', async () => {
    const engine = await start({ slots: 2 });
    const finished: number[] = [];
    const one = async (i: number) => {
      await collect(engine.generate(request(promptOf(20), { maxTokens: 5 })));
      finished.push(i);
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(one));
    expect(finished).toEqual([0, 1, 2, 3, 4, 5]);
    expect(engine.load).toEqual({ running: 0, waiting: 0 });
  });

  it('computes prompts in the order they came, whichever slots are free', async () => {
    const engine = await start({ slots: 2 });
    const finished: number[] = [];
    const one = async (i: number) => {
      await collect(engine.generate(request(promptOf(20), { maxTokens: 1 })));
      finished.push(i);
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(one));
    expect(finished).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('serves a request that comes at the very moment when nothing is left to do', async () => {
    let ticks = 0;
    const { hidden } = bundle.manifest.decoder;
    const resolveEmbedding = async () => {
      for (let i = 0; i < ticks; i++) await undefined;
      return { data: new Float32Array(4 * hidden), tokens: 4, hidden, imageWidth: 1, imageHeight: 1 };
    };
    const engine = await start({ resolveEmbedding });
    const late = request([], { prompt: [{ kind: 'image', key: 'k', tokens: 4 }], maxTokens: 1 });
    for (; ticks < 16; ticks++) {
      const refused = generate(engine, request([99_999]));
      const [, answer] = await Promise.allSettled([refused, generate(engine, late)]);
      expect(answer).toMatchObject({ status: 'fulfilled' });
    }
  });

  it('forgets a waiting request as soon as its caller leaves', async () => {
    const engine = await start({ slots: 1 });
    const leaving = new AbortController();
    for await (const { kind } of engine.generate(request(promptOf(20), { maxTokens: 400 }))) {
      if (kind !== 'token') continue;
      const waiting = collect(engine.generate(request(promptOf(20)), leaving.signal));
      await new Promise(setImmediate);
      expect(engine.load).toEqual({ running: 1, waiting: 1 });
      leaving.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
      expect(engine.load).toEqual({ running: 1, waiting: 0 });
      break;
    }
  });

  it('refuses a request when the waiting room is full', async () => {
    const engine = await start({ slots: 1, maxWaiting: 1 });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => generate(engine, request(promptOf(20)))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'overloaded' } });
  });

  it('hands back the slot when the caller leaves mid-stream', async () => {
    const engine = await start({ slots: 1 });
    for await (const event of engine.generate(request(promptOf(20), { maxTokens: 400 })))
      if (event.kind === 'token') break;
    expect(await generate(engine, request(promptOf(20), { maxTokens: 2 }))).toHaveLength(2);
  });

  it('ends with `cancelled` when the signal aborts, before, while waiting and while running', async () => {
    const engine = await start({ slots: 1 });
    const aborted = collect(engine.generate(request(promptOf(20)), AbortSignal.abort()));
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });

    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = collect(engine.generate(request(promptOf(20), { maxTokens: 400 }), running.signal));
    const second = collect(engine.generate(request(promptOf(20)), waiting.signal));
    waiting.abort();
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    running.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    expect(await generate(engine, request(promptOf(20), { maxTokens: 2 }))).toHaveLength(2);
  });

  it('says by how much a prompt and its answer exceed the context', async () => {
    const engine = await start();
    const wanted = collect(engine.generate(request(promptOf(500), { maxTokens: 20 })));
    await expect(wanted).rejects.toMatchObject({
      code: 'context_length_exceeded',
      message: /500.*20.*512.*8 too many/,
    });
    expect(await generate(engine, request(promptOf(500), { maxTokens: 12 }))).toHaveLength(12);
  });

  it('refuses token ids outside the vocabulary and goes on', async () => {
    const engine = await start();
    await expect(generate(engine, request([1, 2, 99_999]))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await generate(engine, request(promptOf(20), { maxTokens: 2 }))).toHaveLength(2);
  });

  it('ends running and waiting requests when it stops, and refuses new ones', async () => {
    const engine = await start({ slots: 1 });
    const pending = [1, 2].map(() => collect(engine.generate(request(promptOf(20), { maxTokens: 400 }))));
    const outcomes = Promise.allSettled(pending);
    await engine.stop();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'unavailable' } });
    await expect(generate(engine, request(promptOf(20)))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('Engine.create', () => {
  it('says how much memory the KV cache would take when there is not so much', async () => {
    await expect(start({ slots: 100_000_000 })).rejects.toMatchObject({
      code: 'invalid_config',
      message: /100000000 slots of 512 positions take \d+ GiB/,
    });
  });

  it('refuses a token embedding table that is shorter than the manifest says', async () => {
    const embeddings = { ...bundle.manifest.embeddings, rows: bundle.manifest.embeddings.rows + 1 };
    const short = { ...bundle, manifest: { ...bundle.manifest, embeddings } };
    await expect(start({ bundle: short })).rejects.toMatchObject({ code: 'invalid_bundle', message: /embedding/ });
  });
});

describe('a prompt that begins like an earlier one', () => {
  const promptEvent = async (engine: Engine, wanted: GenerateRequest) => {
    const events = await collect(engine.generate(wanted));
    return { ids: idsOf(events), cached: events[0]?.kind === 'prefilled' ? events[0].cachedTokens : undefined };
  };

  it('goes on from what is left of it, and never from the answer', async () => {
    const engine = await start();
    const first = await promptEvent(engine, request(promptOf(60)));
    expect(first.cached).toBe(0);
    const turn = [...promptOf(60), ...first.ids, ...promptOf(20, 29)];
    expect(await promptEvent(engine, request(turn))).toMatchObject({ cached: 60 });
    // The same prompt again: two positions are computed anew.
    expect(await promptEvent(engine, request(turn))).toMatchObject({ cached: turn.length - 2 });
  });

  it('does not take the pictures of another prompt for its own', async () => {
    const { hidden } = bundle.manifest.decoder;
    const picture = (key: string, fill: number) => {
      const data = new Float32Array(4 * hidden).fill(fill);
      const embedding = { data, tokens: 4, hidden, imageWidth: 1, imageHeight: 1 };
      return { kind: 'image', key, tokens: 4, embedding } as const;
    };
    const about = (key: string, fill: number): GenerateRequest =>
      request([], {
        prompt: [{ kind: 'tokens', ids: [1, 2] }, picture(key, fill), { kind: 'tokens', ids: promptOf(9) }],
      });
    const engine = await start({ slots: 1 });
    await promptEvent(engine, about('a', 0.1));
    expect(await promptEvent(engine, about('b', 3))).toMatchObject({ cached: 2 });
    expect(await promptEvent(engine, about('b', 3))).toMatchObject({ cached: 13 });
  });

  it('takes the slot that holds most of it, and the longest unused one when none holds any', async () => {
    const engine = await start({ slots: 2 });
    const [one, other] = [promptOf(40, 28), promptOf(40, 29)];
    const cachedOf = async (ids: readonly number[]) =>
      (await promptEvent(engine, request(ids, { maxTokens: 2 }))).cached;
    // Both begin with the system prompt; that alone is no reason to take the other's slot.
    expect([await cachedOf(one), await cachedOf(other)]).toEqual([0, 0]);
    expect([await cachedOf(other), await cachedOf(one), await cachedOf(other)]).toEqual([38, 38, 38]);
    // A third prompt displaces `one`, which was used before `other`.
    await cachedOf(one.toReversed());
    expect(await cachedOf(other)).toBe(38);
    expect(await cachedOf(one)).toBeLessThan(38);
  });

  it('gets bit for bit the answer that it would have got alone, whatever ran before and beside it', async () => {
    const alphabet = promptOf(12);
    const piece = fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 40 });
    // Prompts are made of a few pieces, so that many begin alike; they come in waves that run side by side.
    const waves = fc.tuple(fc.array(piece, { minLength: 2, maxLength: 3 }), fc.infiniteStream(fc.nat(1_000_000)));
    await fc.assert(
      fc.asyncProperty(waves, async ([pieces, random]) => {
        const draw = (below: number): number => (random.next().value ?? 0) % below;
        const reusing = await start({ slots: 3, prefillChunk: 16 });
        for (let wave = 0; wave < 4; wave++) {
          const wanted = Array.from({ length: 1 + draw(3) }, (_, i) =>
            request(Array.from({ length: 1 + draw(4) }, () => pieces[draw(pieces.length)] ?? []).flat(), {
              maxTokens: 1 + draw(8),
              sampling: { ...sampled, seed: wave * 10 + i },
            }),
          );
          const found = await Promise.all(wanted.map((one) => generate(reusing, one)));
          for (const [i, one] of wanted.entries()) {
            const alone = await start({ slots: 1, prefillChunk: 16 });
            expect(found[i]).toEqual(await generate(alone, one));
            await alone.stop();
          }
        }
      }),
      { numRuns: 6 },
    );
  }, 120_000);
});

describe('image segments', () => {
  const image = { kind: 'image', key: 'k', tokens: 64 } as const;
  const embedding = (fill: number, tokens = 64): ImageEmbedding => {
    const { hidden } = bundle.manifest.decoder;
    return { data: new Float32Array(tokens * hidden).fill(fill), tokens, hidden, imageWidth: 1, imageHeight: 1 };
  };
  const wanted = (): GenerateRequest =>
    request([], { prompt: [{ kind: 'tokens', ids: promptOf(5) }, image], maxTokens: 2 });

  it('take the rows of the embedding', async () => {
    const answers = [0.1, 3].map(async (fill) => {
      const engine = await start({ resolveEmbedding: async () => embedding(fill) });
      const events = await collect(engine.generate(wanted()));
      expect(events[0]).toMatchObject({ promptTokens: 69 });
      return idsOf(events);
    });
    expect(await answers[0]).not.toEqual(await answers[1]);
  });

  it('are not looked up when their embedding comes along', async () => {
    const engine = await start({
      resolveEmbedding: () => Promise.reject(new Error('The embedding was looked up.')),
    });
    const prompt = [
      { kind: 'tokens', ids: promptOf(5) },
      { ...image, embedding: embedding(0.1) },
    ] as const;
    expect(await generate(engine, request([], { prompt, maxTokens: 2 }))).toHaveLength(2);
  });

  it.each([
    ['missing', undefined, /missing: k/],
    ['of another shape', () => embedding(1, 63), /63 x \d+.*64 x/],
    ['not finite', () => embedding(Number.NaN), /not finite/],
  ] as const)('are refused when their embedding is %s', async (_, make, message) => {
    const engine = await start({ resolveEmbedding: async () => make?.() });
    await expect(collect(engine.generate(wanted()))).rejects.toMatchObject({ code: 'unavailable', message });
  });
});
