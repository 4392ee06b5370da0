import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Decoder,
  EideticError,
  type EncodeOutcome,
  type EncodeResult,
  type GenerateRequest,
  GREEDY,
  type ImageEmbedding,
  SHARED_SCOPE,
  type VisionEncoder,
} from '@eidetic/core';
import { createMemoryImageStore } from '@eidetic/embedding-cache';
import { MemoryEncodeQueue, NO_OBSERVER } from '@eidetic/encode-queue';
import { createEncodeHandler, encodePicture } from '@eidetic/vision';
import { createChatService } from '../src/chat-service.ts';
import { openChatFamily } from '../src/family.ts';
import { createImageResolver, type PictureEncoder } from '../src/image-resolver.ts';
import type { ChatEvent, ChatOptions, ChatRequest, ContentPart, DialogInput } from '../src/types.ts';

const root = new URL('../../../', import.meta.url);
export const ranks = readFileSync(new URL('models/qwen-vl-nano-chat/qwen.tiktoken', root));
const goldens: { cases: { name: string; prompt_ids: number[]; output_ids: number[]; output_text: string }[] } =
  JSON.parse(readFileSync(new URL('test/data/goldens/cases.json', root), 'utf8'));
export const golden = (name: string) => {
  const found = goldens.cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden case ${name}`);
  return found;
};

const FIRST_SPECIAL = 4096;
const GROUNDING = ['<ref>', '</ref>', '<box>', '</box>', '<quad>', '</quad>', '<img>', '</img>', '<imgpad>'];
export const special = Object.fromEntries([
  ...['<|endoftext|>', '<|im_start|>', '<|im_end|>'].map((name, index) => [name, FIRST_SPECIAL + index]),
  ...GROUNDING.map((name, index) => [name, FIRST_SPECIAL + 208 + index]),
]);
export const manifest = {
  family: 'qwen-vl',
  embeddings: { file: 'embeddings.bin', dtype: 'float32' as const, rows: 4352, hidden: 4 },
  tokenizer: { file: 'qwen.tiktoken', special },
  generation: {
    chatFormat: 'chatml' as const,
    stopTokenIds: [4098, 4097, 4096],
    maxNewTokens: 512,
    temperature: 0,
    topP: 1,
    topK: 0,
    repetitionPenalty: 1,
  },
};
export const family = openChatFamily(manifest, ranks);

const embedding = (bytes: Uint8Array): ImageEmbedding => ({
  data: new Float32Array(64 * 4),
  tokens: 64,
  hidden: 4,
  imageWidth: 100 * (bytes[0] ?? 0),
  imageHeight: 200,
});

/** Encodes when told to; notes what it was asked. Pictures that begin with 0 are broken. */
class FakeVision implements VisionEncoder {
  readonly fingerprint = 'fp';
  readonly tokensPerImage = 64;
  readonly batches: number[][] = [];
  readonly signals: (AbortSignal | undefined)[] = [];
  hold: Promise<void> = Promise.resolve();

  async encode(images: readonly Uint8Array[], signal?: AbortSignal): Promise<EncodeResult[]> {
    this.batches.push(images.map((bytes) => bytes[0] ?? -1));
    this.signals.push(signal);
    await this.hold;
    return images.map((bytes) =>
      bytes[0] === 0
        ? { ok: false, error: new EideticError('invalid_image', 'This is no picture.') }
        : {
            ok: true,
            embedding: embedding(bytes),
            timings: { decodeMs: 1, preprocessMs: 1, encodeMs: 1, encodeShareMs: 1 },
          },
    );
  }
}

/** What {@link FakeDecoder} reports for a token: -id / 1000 for itself, and for the ids after it. */
export const fakeLogprobs = (id: number, count: number) => ({
  logprob: -id / 1000,
  top: Array.from({ length: count }, (_, i) => ({ id: id + i, logprob: -(id + i) / 1000 })),
});

/** Says the ids it was given. */
export class FakeDecoder implements Decoder {
  readonly maxContext: number;
  readonly requests: GenerateRequest[] = [];
  ids: readonly number[];
  given = 0;
  released = 0;

  constructor(ids: readonly number[] = [], maxContext = 8192) {
    this.ids = ids;
    this.maxContext = maxContext;
  }

  async *generate(request: GenerateRequest, signal?: AbortSignal): ReturnType<Decoder['generate']> & AsyncGenerator {
    this.requests.push(request);
    try {
      yield { kind: 'prefilled', promptTokens: 0, cachedTokens: 7 };
      for (const id of this.ids.slice(0, request.maxTokens)) {
        signal?.throwIfAborted();
        this.given += 1;
        const { logprobs } = request;
        yield { kind: 'token', id, ...(logprobs !== undefined && fakeLogprobs(id, logprobs)) };
      }
      const reason = this.ids.length > request.maxTokens ? 'length' : 'stop';
      yield { kind: 'finished', reason, completionTokens: this.given };
    } finally {
      this.released += 1;
    }
  }
}

const encoderOf = (vision: VisionEncoder): PictureEncoder => ({
  fingerprint: vision.fingerprint,
  tokensPerImage: vision.tokensPerImage,
  encode: ({ bytes }, signal) => encodePicture(vision, bytes, signal),
});

export const setUp = ({
  decoder = new FakeDecoder(),
  maxImages = 4,
  format = 'chatml',
}: {
  decoder?: FakeDecoder;
  maxImages?: number;
  format?: 'chatml' | 'raw';
} = {}) => {
  const vision = new FakeVision();
  const stored = new Map<string, ImageEmbedding>();
  const cache = {
    get: async (key: string) => stored.get(key),
    async set(key: string, value: ImageEmbedding) {
      stored.set(key, value);
      return 'stored' as const;
    },
  };
  const store = createMemoryImageStore({ maxBytes: 2 ** 20 });
  const queue = new MemoryEncodeQueue({ observer: NO_OBSERVER });
  const limits = { maxCost: 64 * 8, maxJobs: 8, maxInFlight: 1, lingerMs: 0 };
  queue.consume(createEncodeHandler({ vision, store, cache }), limits);
  let time = 0;
  const service = createChatService({
    model: 'nano',
    family: openChatFamily({ ...manifest, generation: { ...manifest.generation, chatFormat: format } }, ranks),
    images: createImageResolver({ encoder: encoderOf(vision), cache, store, queue }),
    decoder,
    scopeOf: () => SHARED_SCOPE,
    limits: { maxImages },
    facts: { revision: 'r1', tokensPerImage: vision.tokensPerImage },
    defaults: { sampling: GREEDY, maxTokens: 512 },
    now: () => (time += 10),
    randomSeed: () => 42,
  });
  return { service, vision, stored, decoder };
};

/** A resolver whose cache and store keep nothing, and whose queue always says the same. */
export const setUpResolver = (outcome: EncodeOutcome) => {
  const vision = new FakeVision();
  const cache = { get: async () => undefined, set: async () => 'dropped' as const };
  const store = { get: async () => undefined, set: async () => undefined };
  const queue = { encode: async () => outcome };
  return {
    vision,
    resolver: createImageResolver({ encoder: encoderOf(vision), cache, store, queue }),
  };
};

export const text = (value: string): ContentPart => ({ kind: 'text', text: value });
export const picture = (first: number): ContentPart => ({
  kind: 'image',
  source: { kind: 'bytes', bytes: Uint8Array.of(first) },
});
export const reference = (first: number): ContentPart => ({
  kind: 'image',
  source: { kind: 'reference', imageId: hash('sha256', Uint8Array.of(first), 'hex') },
});
export const request = (
  content: readonly ContentPart[],
  more: Partial<ChatOptions> = {},
): ChatOptions & DialogInput => ({
  requestId: 'r',
  messages: [{ role: 'user', content }],
  sampling: {},
  stop: [],
  ...more,
});

export const rawRequest = (prompt: readonly ContentPart[]): ChatRequest => ({
  requestId: 'r',
  prompt,
  sampling: {},
  stop: [],
});

export const collect = async (events: AsyncIterable<ChatEvent>) => Array.fromAsync(events);
export const textOf = (events: readonly ChatEvent[]) =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');
export const failure = async (events: AsyncIterable<ChatEvent>) => {
  const error = await collect(events).catch((reason: unknown) => reason);
  if (error instanceof EideticError) return error;
  throw new Error('nothing was thrown');
};
export const idsOf = (value: string) =>
  family
    .buildPrompt([{ role: 'user', content: [{ kind: 'text', text: value }] }])
    .segments.flatMap((segment) => (segment.kind === 'tokens' ? segment.ids : []))
    .slice(17, -5);
