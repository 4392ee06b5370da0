import type { ChatEvent, ChatRequest, ChatService } from '@eidetic/chat';
import { EideticError, SHARED_SCOPE, type VisionEncoder } from '@eidetic/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { type ChatMetrics, createChatMetrics } from './chat-metrics.ts';
import { createImageMetrics } from './image-metrics.ts';
import { measureChat } from './measure-chat.ts';
import { measureImageStages } from './measure-image-stages.ts';
import { measureVisionEncoder } from './measure-vision-encoder.ts';
import { emptyRegistry, type Registry } from './registry.ts';

const request: ChatRequest = { requestId: '1', messages: [], sampling: {}, stop: [] };
const image = { imageId: 'a', width: 1, height: 1, cached: true };
const answer: readonly ChatEvent[] = [
  { kind: 'started', images: [image, { ...image, cached: false }, { ...image, cached: false }], promptTokens: 100 },
  { kind: 'text', choice: 0, text: 'a' },
  { kind: 'text', choice: 0, text: 'b' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 100, imageTokens: 60, cachedTokens: 70, completionTokens: 2 },
    timings: { imagesMs: 1, decoderMs: 2, firstTokenMs: 2, totalMs: 3 },
  },
];

let registry: Registry;
let metrics: ChatMetrics;
let clockMs: number;
/** A clock that moves on by 250 ms whenever it is read. */
const now = (): number => {
  clockMs += 250;
  return clockMs;
};

beforeEach(() => {
  registry = emptyRegistry();
  metrics = createChatMetrics(registry);
  clockMs = 0;
});

const chatService = (events: readonly ChatEvent[], failure?: Error): ChatService => ({
  model: 'm',
  async *chat() {
    yield* events;
    if (failure !== undefined) throw failure;
  },
});

describe('measureChat', () => {
  it('counts the tokens of pictures, cache lookups, the first token and the end', async () => {
    const service = measureChat(chatService(answer), metrics, now);
    expect(service.model).toBe('m');
    expect(await Array.fromAsync(service.chat(request))).toEqual(answer);
    const lines = await scrape(registry, 'eidetic_chat_', 'eidetic_image_cache');
    expect(lines).toEqual(
      expect.arrayContaining([
        'eidetic_chat_requests_running 0',
        'eidetic_chat_requests_finished_total{outcome="stop"} 1',
        'eidetic_chat_first_token_seconds_sum 0.25',
        'eidetic_chat_first_token_seconds_count 1',
        'eidetic_chat_image_tokens_total 60',
        'eidetic_image_cache_lookups_total{outcome="hit"} 1',
        'eidetic_image_cache_lookups_total{outcome="miss"} 2',
      ]),
    );
  });

  it('counts a failure under its code', async () => {
    const service = measureChat(chatService([], new EideticError('invalid_image', 'broken')), metrics, now);
    await expect(Array.fromAsync(service.chat(request))).rejects.toThrow('broken');
    expect(await scrape(registry, 'eidetic_chat_requests_finished')).toEqual([
      'eidetic_chat_requests_finished_total{outcome="invalid_image"} 1',
    ]);
  });

  it('counts a request as running until its caller leaves, and then as cancelled', async () => {
    const events = measureChat(chatService(answer), metrics, now).chat(request)[Symbol.asyncIterator]();
    await events.next();
    expect(await scrape(registry, 'eidetic_chat_requests_running')).toEqual(['eidetic_chat_requests_running 1']);
    await events.return?.();
    expect(await scrape(registry, 'eidetic_chat_requests')).toEqual([
      'eidetic_chat_requests_running 0',
      'eidetic_chat_requests_finished_total{outcome="cancelled"} 1',
    ]);
  });
});

it('measures each stage of each picture that could be encoded', async () => {
  const embedding = { data: new Float32Array(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
  const timings = { decodeMs: 10, preprocessMs: 20, encodeMs: 30, encodeShareMs: 15 };
  const encoder: VisionEncoder = {
    fingerprint: 'f',
    tokensPerImage: 1,
    encode: async () => [
      { ok: true, embedding, timings },
      { ok: false, error: new Error('broken') },
      { ok: true, embedding, timings },
    ],
  };
  expect(await measureVisionEncoder(encoder, createImageMetrics(registry)).encode([])).toHaveLength(3);
  expect(await scrape(registry, 'eidetic_image_encode_seconds_sum')).toEqual([
    'eidetic_image_encode_seconds_sum{stage="decode"} 0.02',
    'eidetic_image_encode_seconds_sum{stage="preprocess"} 0.04',
    'eidetic_image_encode_seconds_sum{stage="encode"} 0.06',
  ]);
});

it('measures the stages of a picture at once or when they are done, and hands on what they give', async () => {
  const around = measureImageStages(metrics, now);
  const context = { scope: SHARED_SCOPE, priority: 0, deadlineMs: 0 };
  expect(around('hash', context, () => 'id')).toBe('id');
  await expect(around('lookup', context, async () => undefined)).resolves.toBeUndefined();
  await expect(around('encode', context, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await scrape(registry, 'eidetic_image_resolve_seconds_sum')).toEqual([
    'eidetic_image_resolve_seconds_sum{stage="hash"} 0.25',
    'eidetic_image_resolve_seconds_sum{stage="lookup"} 0.25',
    'eidetic_image_resolve_seconds_sum{stage="encode"} 0.25',
  ]);
});
