import type { Bundle } from '@eidetic/bundle';
import { type GenerateRequest, GREEDY, type GrammarMatcher, type TokenMask } from '@eidetic/core';
import type { Engine, EngineOptions } from '@eidetic/engine';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ALL_FLOAT16, FLOAT32_PRECISIONS, testBundle } from '../support/bundles.ts';
import {
  collect,
  Engines,
  embeddingOf,
  generate,
  idsOf,
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

it('answers with float16 activations as it does with float32', async () => {
  const half = await start({ bundle: await testBundle(ALL_FLOAT16, 'float16') });
  const single = await start({ bundle: await testBundle(FLOAT32_PRECISIONS) });
  for (const from of [28, 29]) {
    const wanted = request(promptOf(40, from), { maxTokens: 8 });
    expect(await generate(half, wanted)).toEqual(await generate(single, wanted));
  }
});

it('refuses CUDA for a bundle of float32, and CUDA graphs without CUDA', async () => {
  await expect(start({ session: { provider: { cuda: {} } } })).rejects.toMatchObject({
    code: 'invalid_bundle',
    message: expect.stringContaining('--activations float16'),
  });
  await expect(start({ cudaGraphs: true })).rejects.toMatchObject({ code: 'invalid_config' });
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

  it('does not end before it has as many tokens as asked for, and chooses another one instead', async () => {
    const engine = await start();
    const all = await generate(engine, request(promptOf(40)));
    const stopTokenIds = [all[5] ?? 0];
    const end = all.indexOf(stopTokenIds[0] ?? 0);
    const ask = (minTokens: number, sampling = GREEDY) =>
      generate(engine, request(promptOf(40), { stopTokenIds, minTokens, sampling }));
    expect(await ask(end)).toEqual(all.slice(0, end));
    for (const sampling of [GREEDY, sampled]) {
      const longer = await ask(end + 4, sampling);
      expect(longer.length).toBeGreaterThanOrEqual(end + 4);
      expect(longer).not.toContain(stopTokenIds[0]);
    }
  });

  it.each([{ minTokens: 25 }, { minTokens: -1 }, { minTokens: 1.5 }])('refuses %o of 24', async (some) => {
    const engine = await start();
    await expect(generate(engine, request(promptOf(40), some))).rejects.toMatchObject({ code: 'invalid_request' });
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
    expect(engine.load).toEqual({ running: 0, waiting: 0, slots: 2, kvUsage: 0 });
  });

  it('computes prompts that lack as much in the order they came, whichever slots are free', async () => {
    const engine = await start({ slots: 2 });
    const finished: number[] = [];
    const one = async (i: number) => {
      await collect(engine.generate(request([i, ...promptOf(19)], { maxTokens: 1 })));
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
      expect(engine.load).toEqual({ running: 1, waiting: 1, slots: 1, kvUsage: 420 / 512 });
      leaving.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
      expect(engine.load).toEqual({ running: 1, waiting: 0, slots: 1, kvUsage: 420 / 512 });
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

  it('frees the slot of a caller who leaves within one step of the others', async () => {
    const notes = new Notes();
    const engine = await start({ slots: 2, observer: notes });
    const leaving = new AbortController();
    const left = collect(engine.generate(request(promptOf(20), { maxTokens: 400 }), leaving.signal));
    const ended = expect(left).rejects.toMatchObject({ code: 'cancelled' });
    let stepsAfter = Number.NaN;
    for await (const { kind } of engine.generate(request(promptOf(20, 29), { maxTokens: 400 }))) {
      if (kind !== 'token') continue;
      if (!leaving.signal.aborted) {
        leaving.abort();
        stepsAfter = -notes.decodes.length;
      } else if (engine.load.running === 1) {
        stepsAfter += notes.decodes.length;
        break;
      }
    }
    expect(stepsAfter).toBeLessThanOrEqual(2);
    expect(notes.decodes.at(-1)?.rows).toBe(1);
    await ended;
  });

  it('ends with `deadline_exceeded` when the time is up, while waiting and while running', async () => {
    const engine = await start({ slots: 1 });
    const deadlineMs = Date.now() + 60;
    const both = [1, 2].map(() => collect(engine.generate(request(promptOf(20), { maxTokens: 480, deadlineMs }))));
    const [running, waiting] = await Promise.allSettled(both);
    expect(running).toMatchObject({
      reason: { code: 'deadline_exceeded', message: expect.stringMatching(/after \d+ tokens/) },
    });
    expect(waiting).toMatchObject({ reason: { code: 'deadline_exceeded', message: expect.stringMatching(/waited/) } });
    expect(engine.load).toMatchObject({ running: 0, waiting: 0 });
  });

  it('serves higher priorities first, and tenants in turns', async () => {
    const engine = await start({ slots: 1 });
    const finished: string[] = [];
    const one = async (name: string, options: Partial<GenerateRequest>) => {
      await generate(engine, request(promptOf(20), { maxTokens: 5, ...options }));
      finished.push(name);
    };
    await Promise.all([
      one('a1', { tenant: 'a' }),
      one('a2', { tenant: 'a' }),
      one('a3', { tenant: 'a' }),
      one('b1', { tenant: 'b' }),
      one('urgent', { tenant: 'a', priority: 1 }),
    ]);
    expect(finished).toEqual(['urgent', 'b1', 'a1', 'a2', 'a3']);
  });

  it('goes on with an answer that another engine began, to the same bit', async () => {
    const wanted = request(promptOf(40), { sampling: sampled, maxTokens: 40 });
    const whole = await generate(await start(), wanted);
    const other = await start({ prefillChunk: 16 });
    for (const begun of [1, 7, 39]) {
      const rest = await collect(other.generate({ ...wanted, answered: whole.slice(0, begun) }));
      expect(idsOf(rest)).toEqual(whole.slice(begun));
      expect(rest.at(-1)).toEqual({ kind: 'finished', reason: 'length', completionTokens: 40 });
    }
  });

  it('lets nobody wait for the grammar of another, and loses nothing of the answer that waits', async () => {
    const all: TokenMask = new Int32Array(Math.ceil(bundle.manifest.decoder.vocab / 32)).fill(-1);
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    let accepted = 0;
    const matcher: GrammarMatcher = {
      first: all,
      // The third token is hard to follow.
      accept: async () => {
        if (++accepted === 3) await held;
        return all;
      },
      release: () => {},
    };
    const notes = new Notes();
    const engine = await start({ slots: 3, grammars: { compile: async () => matcher }, observer: notes });
    const free = request(promptOf(30), { sampling: sampled, maxTokens: 40 });
    // The others run in the slots around it, and end while it waits.
    const before = request(promptOf(20, 29), { maxTokens: 300 });
    const after = request(promptOf(50), { maxTokens: 60 });
    const first = generate(engine, before);
    const bound = generate(engine, { ...free, grammar: { kind: 'json-object' } });
    await notes.until(({ admissions }) => admissions.length === 2);
    const answers = await Promise.all([first, generate(engine, after)]);
    expect(accepted).toBe(3);
    letGo();
    const alone = await start();
    expect(await bound).toEqual(await generate(alone, free));
    expect(answers).toEqual([await generate(alone, before), await generate(alone, after)]);
  });

  it('reports log probabilities when asked to, and the token that was chosen is among the likeliest when greedy', async () => {
    const engine = await start();
    const events = await collect(engine.generate(request(promptOf(40), { maxTokens: 4, logprobs: 3 })));
    const tokens = events.filter((event) => event.kind === 'token');
    expect(tokens).toHaveLength(4);
    for (const { id, logprob, top } of tokens) {
      expect(top).toHaveLength(3);
      expect(top?.[0]).toEqual({ id, logprob });
      expect(logprob).toBeLessThanOrEqual(0);
    }
    const plain = await collect(engine.generate(request(promptOf(40), { maxTokens: 4 })));
    expect(plain.find(({ kind }) => kind === 'token')).toEqual({ kind: 'token', id: tokens[0]?.id });
  });

  it.each([
    ['logprobs', { logprobs: 21 }, /21 tokens.*0 to 20/],
    ['an answer that is complete', { answered: [1, 2], maxTokens: 2 }, /2 tokens already/],
    ['an answer with an unknown token', { answered: [999_999] }, /999999/],
    ['a bias for an unknown token', { sampling: { ...sampled, logitBias: new Map([[999_999, 1]]) } }, /999999/],
    ['a grammar, without a compiler for it', { grammar: { kind: 'json-object' } }, /grammar/],
  ] as const)('refuses %s that it cannot serve', async (_, options, message) => {
    const engine = await start();
    const refused = generate(engine, request(promptOf(9), options));
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) });
    expect(engine.load).toMatchObject({ running: 0, waiting: 0 });
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
      message: expect.stringMatching(/500.*20.*512.*8 too many/),
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
      message: expect.stringMatching(/100000000 slots of 512 positions take \d+ GiB/),
    });
  });

  it('refuses a token embedding table that is shorter than the manifest says', async () => {
    const embeddings = { ...bundle.manifest.embeddings, rows: bundle.manifest.embeddings.rows + 1 };
    const short = { ...bundle, manifest: { ...bundle.manifest, embeddings } };
    await expect(start({ bundle: short })).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringMatching(/embedding/),
    });
  });
});

describe('image segments', () => {
  const image = { kind: 'image', key: 'k', tokens: 64 } as const;
  const embedding = (fill: number, tokens = 64) => embeddingOf(bundle, fill, tokens);
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
    ['missing', undefined, 'embedding_missing', /missing: k/],
    ['of another shape', () => embedding(1, 63), 'invalid_embedding', /63 x \d+.*64 x/],
    ['not finite', () => embedding(Number.NaN), 'invalid_embedding', /not finite/],
  ] as const)('are refused when their embedding is %s', async (_, make, code, message) => {
    const engine = await start({ resolveEmbedding: async () => make?.() });
    await expect(collect(engine.generate(wanted()))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('the observer', () => {
  it('is told of every step and end, so that counters balance', async () => {
    const notes = new Notes();
    const engine = await start({ slots: 2, maxWaiting: 1, observer: notes });
    const leaving = new AbortController();
    const wanted = [
      request(promptOf(150), { maxTokens: 4 }),
      request(promptOf(20, 29), { maxTokens: 300 }),
      request(promptOf(30), { maxTokens: 5 }),
    ];
    const all = wanted.map((one, i) => collect(engine.generate(one, i === 1 ? leaving.signal : undefined)));
    const refused = collect(engine.generate(request(promptOf(9))));
    await expect(refused).rejects.toMatchObject({ code: 'overloaded' });
    await notes.until(({ ends }) => ends.length === 3);
    leaving.abort();
    await Promise.allSettled(all);
    expect(notes.ends).toMatchObject([
      { outcome: 'overloaded', stage: 'waiting', completionTokens: 0 },
      { outcome: 'length', stage: 'decode', completionTokens: 4 },
      { outcome: 'length', stage: 'decode', completionTokens: 5 },
      { outcome: 'cancelled', stage: 'decode' },
    ]);
    expect(notes.admissions).toHaveLength(3);
    // The shortest comes first; the others go on where a prompt that was computed begins like them.
    expect(notes.firstTokens.map(({ computed, cached }) => [computed, cached])).toEqual([
      [20, 0],
      [150 - 17, 17],
      [2, 28],
    ]);
    expect(notes.prefilledTokens).toBe(20 + 133 + 2);
    const waits = notes.firstTokens.map(({ sinceArrivalMs, sinceAdmittedMs }) => sinceArrivalMs - sinceAdmittedMs);
    const [first, second, third] = notes.admissions.map(({ queuedMs }) => expect.closeTo(queuedMs, 3));
    expect(waits).toEqual([second, first, third]);
    const generated = notes.ends.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
    expect(notes.firstTokens.length + notes.tokens.length).toBe(generated);
    // The caller may have left in the middle of a step, whose token nobody gets.
    const rows = notes.decodes.reduce((sum, decode) => sum + decode.rows, 0);
    expect([0, 1]).toContain(rows - notes.tokens.length);
  });
});
