import type { ImageResolver } from '@eidetic/chat';
import {
  type Decoder,
  EideticError,
  type EncodeJob,
  type EncodeOutcome,
  type GenerateEvent,
  type GenerateRequest,
  GREEDY,
  type ImageFetcher,
  SHARED_SCOPE,
} from '@eidetic/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecordedTracer } from '../test/recorded-tracer.ts';
import { traceDecoder } from './trace-decoder.ts';
import { traceEncodeHandler } from './trace-encode-handler.ts';
import { traceEncodeProducer } from './trace-encode-producer.ts';
import { traceImageFetcher } from './trace-image-fetcher.ts';
import { traceImageResolver } from './trace-image-resolver.ts';

const timings = { decodeMs: 1, preprocessMs: 2, encodeMs: 3, encodeShareMs: 3 };
const job: EncodeJob = {
  key: 'k',
  imageId: 'i',
  scope: SHARED_SCOPE,
  priority: 0,
  deadlineMs: 0,
  cost: 64,
  traceparent: 'request',
};
const request: GenerateRequest = {
  requestId: 'r',
  prompt: [],
  sampling: GREEDY,
  maxTokens: 2,
  stopTokenIds: [],
  traceparent: 'request',
};
const ANSWER: readonly GenerateEvent[] = [
  { kind: 'prefilled', promptTokens: 9, cachedTokens: 4 },
  { kind: 'token', id: 1 },
  { kind: 'token', id: 2 },
  { kind: 'finished', reason: 'length', completionTokens: 2 },
];
const broken = new EideticError('unavailable', 'It is gone.');

let tracer: RecordedTracer;
beforeEach(() => {
  tracer = new RecordedTracer();
});

it('is not there when nothing is traced', () => {
  const resolver: ImageResolver = { resolve: async () => [] };
  const queue = { encode: async (): Promise<EncodeOutcome> => ({ ok: true, tokens: 1 }) };
  const handler = async () => [];
  const decoder: Decoder = { maxContext: 1, generate: () => (async function* () {})() };
  const fetcher: ImageFetcher = { fetch: async () => Promise.reject(broken) };
  expect(traceImageFetcher(fetcher, undefined)).toBe(fetcher);
  expect(traceImageFetcher(undefined, tracer)).toBeUndefined();
  expect(traceImageResolver(resolver, undefined)).toBe(resolver);
  expect(traceEncodeProducer(queue, undefined, Date.now)).toBe(queue);
  expect(traceEncodeHandler(handler, undefined)).toBe(handler);
  expect(traceDecoder(decoder, undefined, 'engine', Date.now)).toBe(decoder);
});

it('gives the pictures of a request a span, and what is done for them its context', async () => {
  const seen: unknown[] = [];
  const found = {
    imageId: 'i',
    key: 'k',
    embedding: { data: new Float32Array(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 },
  };
  const resolver: ImageResolver = {
    resolve: async (_, context) => {
      seen.push(context.traceparent);
      return [
        { ...found, cached: true },
        { ...found, cached: false },
      ];
    },
  };
  const context = { scope: SHARED_SCOPE, priority: 0, deadlineMs: 0, traceparent: 'request' };
  const sources = [
    { kind: 'reference', imageId: 'i' },
    { kind: 'reference', imageId: 'j' },
  ] as const;
  await traceImageResolver(resolver, tracer).resolve(sources, context);
  expect(seen).toEqual(['1']);
  expect(tracer.spans).toMatchObject([
    { parent: 'request', attributes: { 'eidetic.images': 2, 'eidetic.images.cached': 1 }, endMs: 'now' },
  ]);
});

it('gives a picture that is fetched a span, which says how large it is or why it is not there, and not where', async () => {
  const image = { bytes: new Uint8Array(5), [Symbol.dispose]: () => undefined };
  const fetcher: ImageFetcher = { fetch: async (url) => (url === 'good' ? image : Promise.reject(broken)) };
  const traced = traceImageFetcher(fetcher, tracer);
  const context = { scope: SHARED_SCOPE, traceparent: 'request' };
  expect(await traced?.fetch('good', context)).toBe(image);
  await expect(traced?.fetch('bad', context)).rejects.toBe(broken);
  expect(tracer.spans).toMatchObject([
    { name: 'fetch picture', parent: 'request', attributes: { 'eidetic.image.bytes': 5 }, endMs: 'now' },
    { name: 'fetch picture', failure: broken, endMs: 'now' },
  ]);
  expect(JSON.stringify(tracer.spans)).not.toMatch(/good|bad/);
});

describe('a picture in the queue', () => {
  const encode = (outcome: () => Promise<EncodeOutcome>) => {
    const seen: EncodeJob[] = [];
    const queue = {
      encode: (asked: EncodeJob) => {
        seen.push(asked);
        return outcome();
      },
    };
    return { seen, answer: traceEncodeProducer(queue, tracer, () => 1000).encode(job) };
  };

  it('has a span, its wait one within, and its job the context', async () => {
    const { seen, answer } = encode(async () => ({ ok: true, tokens: 64, timings: { ...timings, queueMs: 70 } }));
    await answer;
    expect(seen).toEqual([{ ...job, traceparent: '1' }]);
    expect(tracer.spans).toMatchObject([
      { name: 'encode picture', parent: 'request', endMs: 'now' },
      { name: 'queue wait', parent: '1', startMs: 1000, endMs: 1070 },
    ]);
  });

  it('fails with what it is answered with, or what is thrown', async () => {
    await encode(async () => ({ ok: false, error: broken })).answer;
    await expect(encode(() => Promise.reject(broken)).answer).rejects.toBe(broken);
    expect(tracer.spans).toMatchObject([
      { failure: broken, endMs: 'now' },
      { failure: broken, endMs: 'now' },
    ]);
  });
});

it('gives a batch one span, in the trace of its first picture and linked with all, and its jobs the context', async () => {
  const seen: unknown[] = [];
  const { signal } = new AbortController();
  const handler = traceEncodeHandler(async (jobs, given) => {
    expect(given).toBe(signal);
    seen.push(...jobs.map(({ traceparent }) => traceparent));
    return [
      { ok: true, tokens: 64, timings },
      { ok: true, tokens: 64, timings },
      { ok: false, error: broken },
    ];
  }, tracer);
  const { traceparent: _, ...untraced } = job;
  await handler([untraced, { ...job, traceparent: 'a' }, { ...job, traceparent: 'b' }], signal);
  expect(seen).toEqual(['1', '1', '1']);
  expect(tracer.spans).toMatchObject([{ parent: 'a', links: ['a', 'b'], failure: broken, endMs: 'now' }]);
});

describe('an answer', () => {
  const decoderOf = (seen: GenerateRequest[], failure?: Error): Decoder => ({
    maxContext: 9,
    async *generate(asked) {
      seen.push(asked);
      yield* ANSWER;
      if (failure) throw failure;
    },
  });

  it('has a span with its first token and its end, and is what it was', async () => {
    const seen: GenerateRequest[] = [];
    const decoder = traceDecoder(decoderOf(seen), tracer, 'caller', () => 0);
    expect(await Array.fromAsync(decoder.generate(request))).toEqual(ANSWER);
    expect(decoder.maxContext).toBe(9);
    expect(seen).toEqual([{ ...request, traceparent: '1' }]);
    expect(tracer.spans).toEqual([
      expect.objectContaining({
        name: 'generate',
        kind: 'client',
        parent: 'request',
        events: ['first token', 'finished'],
        attributes: {
          'eidetic.prompt_tokens': 9,
          'eidetic.cached_tokens': 4,
          'eidetic.finish_reason': 'length',
          'eidetic.completion_tokens': 2,
        },
        endMs: 'now',
      }),
    ]);
  });

  it('has spans of its prompt and its tokens where the engine is', async () => {
    let nowMs = 0;
    const decoder = traceDecoder(decoderOf([]), tracer, 'engine', () => {
      nowMs += 10;
      return nowMs;
    });
    await Array.fromAsync(decoder.generate(request));
    expect(tracer.spans).toMatchObject([
      { name: 'generate', kind: 'server' },
      { name: 'prefill', parent: '1', startMs: 10, endMs: 'now' },
      { name: 'decode', parent: '1', startMs: 20, endMs: 'now' },
    ]);
  });

  it('ends its span when its reader leaves, and fails it when the decoder does', async () => {
    for await (const event of traceDecoder(decoderOf([]), tracer, 'caller', () => 0).generate(request)) {
      if (event.kind === 'token') break;
    }
    expect(tracer.spans[0]).toMatchObject({ attributes: { 'eidetic.completion_tokens': 1 }, endMs: 'now' });
    const failing = traceDecoder(decoderOf([], broken), tracer, 'caller', () => 0);
    await expect(Array.fromAsync(failing.generate(request))).rejects.toBe(broken);
    expect(tracer.spans[1]).toMatchObject({ failure: broken, endMs: 'now' });
  });
});
