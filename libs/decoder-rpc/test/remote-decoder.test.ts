import { once } from 'node:events';
import {
  type Decoder,
  type DecoderLoad,
  EideticError,
  type GenerateEvent,
  type GenerateRequest,
  GREEDY,
  type ImageEmbedding,
} from '@eidetic/core';
import { readDescriptors } from '@eidetic/proto';
import { RpcChannel, RpcServer } from '@eidetic/rpc';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRemoteDecoder, type DecoderModel, decoderService, type ServedDecoder } from '../src/index.ts';

const MODEL: DecoderModel = { name: 'nano', family: 'toy', source: 'abc', maxContext: 64, hidden: 2, vocab: 100 };

const EVENTS: readonly GenerateEvent[] = [
  { kind: 'prefilled', promptTokens: 3, cachedTokens: 1 },
  { kind: 'token', id: 5, logprob: -0.25, top: [{ id: 5, logprob: -0.25 }] },
  { kind: 'token', id: 6, logprob: -1.5, top: [{ id: 7, logprob: -0.5 }] },
  { kind: 'finished', reason: 'length', completionTokens: 2 },
];

const request = (prompt: GenerateRequest['prompt'] = [{ kind: 'tokens', ids: [1] }]): GenerateRequest => ({
  requestId: 'r',
  prompt,
  sampling: GREEDY,
  maxTokens: 2,
  stopTokenIds: [],
});

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

/** A channel to a service that a scripted decoder stands behind; `kept` has the keys of the embeddings that it was sent. */
const serve = async (generate: Decoder['generate'], parts: Partial<ServedDecoder> = {}) => {
  const kept: string[] = [];
  const served: ServedDecoder = {
    decoder: { maxContext: MODEL.maxContext, generate },
    model: MODEL,
    load: () => ({ running: 0, waiting: 0, slots: 4, kvUsage: 0 }),
    embeddings: {
      get: async () => undefined,
      async set(key) {
        kept.push(key);
        return 'stored';
      },
    },
    ...parts,
  };
  let open: () => ServedDecoder = () => served;
  const server = new RpcServer({
    services: [decoderService(() => open())],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: () => {},
  });
  onTestFinished(() => server.stop());
  const channel = new RpcChannel(await server.listen({ host: '127.0.0.1', port: 0, settings: 'PORT' }));
  onTestFinished(() => channel[Symbol.dispose]());
  const close = (): void => {
    open = () => {
      throw new EideticError('unavailable', 'Still loading.');
    };
  };
  return { server, channel, kept, close };
};

async function* answer(): AsyncGenerator<GenerateEvent> {
  yield* EVENTS;
}

describe('a remote decoder', () => {
  it('knows the model, and yields what the decoder yields', async () => {
    const { channel } = await serve(answer);
    const remote = await createRemoteDecoder(channel);
    expect(remote).toMatchObject({ model: MODEL, maxContext: 64 });
    expect(await collect(remote.generate(request()))).toEqual(EVENTS);
  });

  it('cannot be made before the model is there', async () => {
    const { channel, close } = await serve(answer);
    close();
    await expect(createRemoteDecoder(channel)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Still loading.',
    });
  });

  it('passes the deadline on', async () => {
    const deadlines: (number | undefined)[] = [];
    const { channel } = await serve((wanted) => {
      deadlines.push(wanted.deadlineMs);
      return answer();
    });
    const remote = await createRemoteDecoder(channel);
    const deadlineMs = Date.now() + 100_000;
    await collect(remote.generate({ ...request(), deadlineMs }));
    await collect(remote.generate(request()));
    expect(Math.abs((deadlines[0] ?? 0) - deadlineMs)).toBeLessThan(50_000);
    expect(deadlines[1]).toBeUndefined();
  });

  it('tells the decoder when its caller leaves or aborts', async () => {
    const reasons: string[] = [];
    let told = Promise.withResolvers<void>();
    const { channel } = await serve(async function* (_, signal = new AbortController().signal) {
      yield* EVENTS.slice(0, 2);
      await once(signal, 'abort');
      reasons.push(EideticError.from(signal.reason).code);
      told.resolve();
    });
    const remote = await createRemoteDecoder(channel);
    for await (const _ of remote.generate(request())) break;
    await told.promise;
    told = Promise.withResolvers();
    const leaving = new AbortController();
    const events = remote.generate(request(), leaving.signal)[Symbol.asyncIterator]();
    await events.next();
    leaving.abort();
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' });
    await told.promise;
    expect(reasons).toEqual(['cancelled', 'cancelled']);
  });
});

describe('embeddings', () => {
  const embedding: ImageEmbedding = {
    data: Float32Array.of(0.1, 2, 3, 4),
    tokens: 2,
    hidden: 2,
    imageWidth: 8,
    imageHeight: 6,
  };
  const carried = (key: string) => ({ kind: 'image', key, tokens: 2, embedding }) as const;
  const named = (key: string) => ({ kind: 'image', key, tokens: 2 }) as const;

  /** Misses what does not come along. */
  const needy = (seen: GenerateRequest['prompt'][], code: 'embedding_missing' | 'invalid_embedding') =>
    async function* ({ prompt }: GenerateRequest) {
      seen.push(prompt);
      const missing = prompt.flatMap((part) => (part.kind === 'image' && !part.embedding ? part.key : []));
      if (missing.length > 0) throw new EideticError(code, 'Missing.', { details: { keys: missing.join(' ') } });
      yield* EVENTS;
    };

  it.each(['embedding_missing', 'invalid_embedding'] as const)(
    'stay here until the decoder says %s, then go once, and are kept there',
    async (code) => {
      const seen: GenerateRequest['prompt'][] = [];
      const { channel, kept } = await serve(needy(seen, code));
      const remote = await createRemoteDecoder(channel);
      expect(await collect(remote.generate(request([carried('a'), carried('b')])))).toEqual(EVENTS);
      expect(seen).toEqual([
        [named('a'), named('b')],
        [carried('a'), carried('b')],
      ]);
      expect(kept).toEqual(['a', 'b']);
    },
  );

  it('are not sent when one that is missing is not here either', async () => {
    const seen: GenerateRequest['prompt'][] = [];
    const { channel } = await serve(needy(seen, 'embedding_missing'));
    const remote = await createRemoteDecoder(channel);
    await expect(collect(remote.generate(request([carried('a'), named('b')])))).rejects.toMatchObject({
      code: 'embedding_missing',
      details: { keys: 'a b' },
    });
    expect(seen).toHaveLength(1);
  });

  it('are sent once only', async () => {
    let calls = 0;
    // biome-ignore lint/correctness/useYield: it fails before its first event.
    const { channel } = await serve(async function* () {
      calls++;
      throw new EideticError('embedding_missing', 'Missing.', { details: { keys: 'a' } });
    });
    const remote = await createRemoteDecoder(channel);
    await expect(collect(remote.generate(request([carried('a')])))).rejects.toMatchObject({
      code: 'embedding_missing',
    });
    expect(calls).toBe(2);
  });

  it('are not sent for other errors', async () => {
    let calls = 0;
    // biome-ignore lint/correctness/useYield: it fails before its first event.
    const { channel } = await serve(async function* () {
      calls++;
      throw new EideticError('overloaded', 'Full.');
    });
    const remote = await createRemoteDecoder(channel);
    await expect(collect(remote.generate(request([carried('a')])))).rejects.toMatchObject({ code: 'overloaded' });
    expect(calls).toBe(1);
  });
});

describe('the load', () => {
  it('is told at once and when it changes, until the decoder drains', async () => {
    let load: DecoderLoad = { running: 1, waiting: 2, slots: 4, kvUsage: 0.25 };
    const { server, channel } = await serve(answer, { load: () => load });
    const remote = await createRemoteDecoder(channel);
    const loads = remote.watchLoad(10)[Symbol.asyncIterator]();
    expect((await loads.next()).value).toEqual(load);
    load = { ...load, running: 2 };
    expect((await loads.next()).value).toEqual(load);
    const ended = expect(loads.next()).rejects.toMatchObject({ code: 'unavailable' });
    await server.drain(60_000);
    await ended;
  });
});
