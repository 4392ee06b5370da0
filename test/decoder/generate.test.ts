import type { GenerateRequest, PromptSegment } from '@eidetic/core';
import { createMemoryEmbeddingCache } from '@eidetic/embedding-cache';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idle, startDecoderService, untilLoad } from '../support/decoder-service.ts';
import { collect, Engines, embeddingOf, generate, idsOf, promptOf, request, sampled } from '../support/engines.ts';

let engines: Engines;

beforeAll(async () => {
  engines = await Engines.open();
});

afterAll(() => engines.stopAll());

const picture = (key: string, fill: number) =>
  ({ kind: 'image', key, tokens: 64, embedding: embeddingOf(engines.bundle, fill) }) as const;

/** The same picture, as one says it who has only its key. */
const named = ({ key, tokens }: { readonly key: string; readonly tokens: number }): PromptSegment => ({
  kind: 'image',
  key,
  tokens,
});

const about = (...pictures: readonly PromptSegment[]): GenerateRequest =>
  request([], { prompt: [{ kind: 'tokens', ids: [1, 2] }, ...pictures, { kind: 'tokens', ids: promptOf(9) }] });

describe('the decoder service', () => {
  it('yields what an engine in this process yields: ids, log probabilities and counts', async () => {
    const [{ remote }, engine] = [await startDecoderService(), await engines.start()];
    for (const wanted of [
      request(promptOf(40)),
      request(promptOf(40), { sampling: sampled, logprobs: 3 }),
      request(promptOf(40), { sampling: { ...sampled, logitBias: new Map([[7, 5]]) }, logprobs: 0 }),
      about(picture('a', 0.1)),
    ]) {
      expect(await collect(remote.generate(wanted))).toEqual(await collect(engine.generate(wanted)));
    }
  });

  it('goes on with an answer that another decoder began', async () => {
    const [{ remote }, engine] = [await startDecoderService(), await engines.start()];
    const wanted = request(promptOf(40), { sampling: sampled, logprobs: 1 });
    const whole = await collect(engine.generate(wanted));
    const rest = await collect(remote.generate({ ...wanted, answered: idsOf(whole).slice(0, 10) }));
    expect(rest.slice(1)).toEqual(whole.slice(11));
  });

  it('answers 32 callers at once, each as if they were alone', async () => {
    const [{ remote }, engine] = [await startDecoderService(), await engines.start()];
    const requests = Array.from({ length: 32 }, (_, i) =>
      request(promptOf(10 + i), { sampling: { ...sampled, seed: i }, maxTokens: 16 }),
    );
    const answers = await Promise.all(requests.map(async (wanted) => idsOf(await collect(remote.generate(wanted)))));
    for (const [i, wanted] of requests.entries()) expect(answers[i]).toEqual(await generate(engine, wanted));
  });

  it('does not start with a longer context than the model has', async () => {
    await expect(startDecoderService({ EIDETIC_MAX_CONTEXT: '1000000' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/^EIDETIC_MAX_CONTEXT: .* 1000000 are asked for/),
    });
  });

  it('refuses what the engine refuses, numbers included', async () => {
    const { remote } = await startDecoderService({ EIDETIC_MAX_CONTEXT: '64' });
    await expect(collect(remote.generate(request(promptOf(60))))).rejects.toMatchObject({
      code: 'context_length_exceeded',
      details: { promptTokens: 60, maxTokens: 24, maxContext: 64 },
    });
    await expect(collect(remote.generate(request([4352])))).rejects.toMatchObject({
      code: 'invalid_request',
      details: { param: 'prompt[0].tokens.ids[0]' },
    });
  });

  it('refuses callers when the waiting room is full, and says when to come again', async () => {
    const { remote } = await startDecoderService({ EIDETIC_SLOTS: '1', EIDETIC_MAX_WAITING: '1' });
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() => collect(remote.generate(request(promptOf(20), { maxTokens: 400 })))),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'overloaded' } }]);
  });
});

describe('a caller who does not wait for the end', () => {
  const long = request(promptOf(20), { maxTokens: 8000 });

  it('frees the slot by leaving or aborting', async () => {
    const { remote } = await startDecoderService();
    for await (const { kind } of remote.generate(long)) if (kind === 'token') break;
    await untilLoad(remote, idle);
    const leaving = new AbortController();
    const events = remote.generate(long, leaving.signal)[Symbol.asyncIterator]();
    await events.next();
    leaving.abort();
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' });
    await untilLoad(remote, idle);
  });

  it('is told of the deadline, running or waiting, and the slot is free', async () => {
    const { remote } = await startDecoderService({ EIDETIC_SLOTS: '1' });
    const running = remote.generate(long)[Symbol.asyncIterator]();
    await running.next();
    const waiting = collect(remote.generate({ ...long, deadlineMs: Date.now() + 200 }));
    await expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await untilLoad(remote, (load) => load.running === 1 && load.waiting === 0);
    await running.return?.();
    await untilLoad(remote, idle);
    await expect(collect(remote.generate({ ...long, deadlineMs: Date.now() + 200 }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await untilLoad(remote, idle);
  });

  it('does not hold up others by reading slowly, and misses nothing', async () => {
    const { remote } = await startDecoderService();
    // More than the connection takes unread.
    const wanted = request(promptOf(20), { maxTokens: 600, logprobs: 20 });
    const slow = remote.generate(wanted)[Symbol.asyncIterator]();
    await slow.next();
    const others = await Promise.all([1, 2, 3].map(() => collect(remote.generate(wanted))));
    await untilLoad(remote, idle);
    const rest = [];
    for (let next = await slow.next(); !next.done; next = await slow.next()) rest.push(next.value);
    expect(idsOf(rest)).toEqual(idsOf(others[0] ?? []));
    expect(rest).toHaveLength(601);
  });
});

describe('embeddings', () => {
  it('are asked for by all the keys that are missing', async () => {
    const { remote } = await startDecoderService();
    const unknown = about(named(picture('a', 1)), named(picture('b', 2)), named(picture('a', 1)));
    await expect(collect(remote.generate(unknown))).rejects.toMatchObject({
      code: 'embedding_missing',
      details: { keys: 'a b' },
    });
  });

  it('come along when they are missing, and are there from then on', async () => {
    const [{ remote }, engine] = [await startDecoderService(), await engines.start()];
    const carrying = about(picture('a', 0.1), picture('b', 3));
    const expected = await generate(engine, carrying);
    expect(idsOf(await collect(remote.generate(carrying)))).toEqual(expected);
    const naming = about(named(picture('a', 0.1)), named(picture('b', 3)));
    expect(idsOf(await collect(remote.generate(naming)))).toEqual(expected);
  });

  it('are found where decoders share them', async () => {
    const shared = createMemoryEmbeddingCache({ maxBytes: 2 ** 20 });
    const [{ remote }, engine] = [await startDecoderService({}, shared), await engines.start()];
    await shared.set('a', embeddingOf(engines.bundle, 0.1));
    const answer = idsOf(await collect(remote.generate(about(named(picture('a', 0.1))))));
    expect(answer).toEqual(await generate(engine, about(picture('a', 0.1))));
  });

  it('that are bad where decoders share them are replaced by those that come along', async () => {
    const shared = createMemoryEmbeddingCache({ maxBytes: 2 ** 20 });
    const [{ remote }, engine] = [await startDecoderService({}, shared), await engines.start()];
    await shared.set('a', embeddingOf(engines.bundle, Number.NaN));
    await expect(collect(remote.generate(about(named(picture('a', 0.1)))))).rejects.toMatchObject({
      code: 'invalid_embedding',
    });
    const carrying = about(picture('a', 0.1));
    const expected = await generate(engine, carrying);
    expect(idsOf(await collect(remote.generate(carrying)))).toEqual(expected);
    expect(idsOf(await collect(remote.generate(about(named(picture('a', 0.1))))))).toEqual(expected);
  });

  it('are refused when they are of another size or not finite', async () => {
    const { remote } = await startDecoderService();
    const wide = { ...embeddingOf(engines.bundle, 1), hidden: 10, data: new Float32Array(640) };
    for (const embedding of [wide, embeddingOf(engines.bundle, 1, 63), embeddingOf(engines.bundle, Number.NaN)]) {
      const bad = about({ kind: 'image', key: 'a', tokens: 64, embedding });
      await expect(collect(remote.generate(bad))).rejects.toMatchObject({ code: 'invalid_embedding' });
    }
  });
});
