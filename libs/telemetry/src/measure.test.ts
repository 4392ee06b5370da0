import type { ChatEvent, ChatRequest, ChatService } from '@eidetic/chat';
import { type Decoder, EideticError, type GenerateEvent, GREEDY, type VisionEncoder } from '@eidetic/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { measureChat } from './measure-chat.ts';
import { measureDecoder } from './measure-decoder.ts';
import { measureVisionEncoder } from './measure-vision-encoder.ts';
import { createMetrics, type Metrics } from './metrics.ts';

const request: ChatRequest = { requestId: '1', messages: [], sampling: {}, stop: [] };
const image = { imageId: 'a', width: 1, height: 1, cached: true };
const answer: readonly ChatEvent[] = [
  { kind: 'started', images: [image, { ...image, cached: false }, { ...image, cached: false }], promptTokens: 100 },
  { kind: 'text', text: 'a' },
  { kind: 'text', text: 'b' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 100, imageTokens: 60, cachedTokens: 70, completionTokens: 2 },
    timings: { imagesMs: 1, firstTokenMs: 2, totalMs: 3 },
  },
];

let metrics: Metrics;
let clockMs: number;
/** A clock that moves on by 250 ms whenever it is read. */
const now = (): number => {
  clockMs += 250;
  return clockMs;
};

beforeEach(() => {
  metrics = createMetrics({ version: '1', model: 'm' });
  clockMs = 0;
});

const chatService = (events: readonly ChatEvent[], failure?: Error): ChatService => ({
  model: 'm',
  async *chat() {
    yield* events;
    if (failure !== undefined) throw failure;
  },
});

const scrape = async (...names: string[]): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => names.some((name) => line.startsWith(name)));

describe('measureChat', () => {
  it('counts tokens by source, cache lookups, the first token and the end', async () => {
    const service = measureChat(chatService(answer), metrics, now);
    expect(service.model).toBe('m');
    expect(await Array.fromAsync(service.chat(request))).toEqual(answer);
    const lines = await scrape('eidetic_chat_', 'eidetic_image_cache');
    expect(lines).toEqual(
      expect.arrayContaining([
        'eidetic_chat_requests_running 0',
        'eidetic_chat_requests_finished_total{reason="stop"} 1',
        'eidetic_chat_first_token_seconds_sum 0.25',
        'eidetic_chat_first_token_seconds_count 1',
        'eidetic_chat_prompt_tokens_total{source="computed"} 30',
        'eidetic_chat_prompt_tokens_total{source="cached"} 70',
        'eidetic_chat_image_tokens_total 60',
        'eidetic_image_cache_lookups_total{outcome="hit"} 1',
        'eidetic_image_cache_lookups_total{outcome="miss"} 2',
      ]),
    );
  });

  it('counts a failure under its code', async () => {
    const service = measureChat(chatService([], new EideticError('invalid_image', 'broken')), metrics, now);
    await expect(Array.fromAsync(service.chat(request))).rejects.toThrow('broken');
    expect(await scrape('eidetic_chat_requests_finished')).toEqual([
      'eidetic_chat_requests_finished_total{reason="invalid_image"} 1',
    ]);
  });

  it('counts a request as running until its caller leaves, and then as cancelled', async () => {
    const events = measureChat(chatService(answer), metrics, now).chat(request)[Symbol.asyncIterator]();
    await events.next();
    expect(await scrape('eidetic_chat_requests_running')).toEqual(['eidetic_chat_requests_running 1']);
    await events.return?.();
    expect(await scrape('eidetic_chat_requests')).toEqual([
      'eidetic_chat_requests_running 0',
      'eidetic_chat_requests_finished_total{reason="cancelled"} 1',
    ]);
  });
});

it('measures the time between the tokens of one answer', async () => {
  const events: readonly GenerateEvent[] = [
    { kind: 'prefilled', promptTokens: 3, cachedTokens: 0 },
    { kind: 'token', id: 1 },
    { kind: 'token', id: 2 },
    { kind: 'token', id: 3 },
    { kind: 'finished', reason: 'stop', completionTokens: 3 },
  ];
  const decoder: Decoder = {
    maxContext: 9,
    async *generate() {
      yield* events;
    },
  };
  const generation = { requestId: '1', prompt: [], sampling: GREEDY, maxTokens: 3, stopTokenIds: [] };
  const measured = measureDecoder(decoder, metrics, now);
  expect(await Array.fromAsync(measured.generate(generation))).toEqual(events);
  expect(await scrape('eidetic_chat_generation_tokens_total', 'eidetic_chat_inter_token_seconds_sum')).toEqual([
    'eidetic_chat_inter_token_seconds_sum 0.5',
    'eidetic_chat_generation_tokens_total 3',
  ]);
});

it('measures each stage of each picture that could be encoded', async () => {
  const embedding = { data: new Float32Array(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
  const timings = { decodeMs: 10, preprocessMs: 20, encodeMs: 30 };
  const encoder: VisionEncoder = {
    fingerprint: 'f',
    tokensPerImage: 1,
    encode: async () => [
      { ok: true, embedding, timings },
      { ok: false, error: new Error('broken') },
      { ok: true, embedding, timings },
    ],
  };
  expect(await measureVisionEncoder(encoder, metrics).encode([])).toHaveLength(3);
  expect(await scrape('eidetic_image_encode_seconds_sum')).toEqual([
    'eidetic_image_encode_seconds_sum{stage="decode"} 0.02',
    'eidetic_image_encode_seconds_sum{stage="preprocess"} 0.04',
    'eidetic_image_encode_seconds_sum{stage="encode"} 0.06',
  ]);
});

it('names every metric eidetic_<area>_<noun>_<unit> and says what runs', async () => {
  const own = (await metrics.registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('eidetic_'));
  expect(own).toHaveLength(11);
  for (const { name } of own) {
    expect(name).toMatch(/^eidetic_(build_info|(http|chat|image)_[a-z_]+_(seconds|total|running))$/);
  }
  expect(await scrape('eidetic_build_info')).toEqual([
    `eidetic_build_info{version="1",model="m",node="${process.version}"} 1`,
  ]);
});
