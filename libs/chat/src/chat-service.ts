import {
  type ChatFamily,
  type Decoder,
  EideticError,
  type EmbeddingCache,
  type Prompt,
  type PromptMessage,
  type PromptSegment,
  type SamplingOptions,
  type VisionEncoder,
} from '@eidetic/core';
import { createAnswerReader } from './answer-reader.ts';
import { createImageResolver, type ResolvedEmbedding } from './image-resolver.ts';
import { toGrounding } from './to-grounding.ts';
import type { ChatEvent, ChatMessage, ChatRequest, ChatService, ImageSource, ResolvedImage } from './types.ts';

/** What a chat service is made of. */
export interface ChatServiceParts {
  /** Name under which the model is served. */
  readonly model: string;
  readonly family: ChatFamily;
  readonly vision: VisionEncoder;
  readonly cache: EmbeddingCache;
  readonly decoder: Decoder;
  readonly limits: {
    /** Most pictures in one dialog. */
    readonly maxImages: number;
  };
  /** What holds when a request does not say. */
  readonly defaults: { readonly sampling: Omit<SamplingOptions, 'seed'>; readonly maxTokens: number };
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Seed of a request that brings none. */
  readonly randomSeed: () => number;
}

/** Puts pictures, prompt, decoder and output together. */
export function createChatService(parts: ChatServiceParts): ChatService {
  const { model, family, vision, cache, decoder, defaults, now, randomSeed } = parts;
  const resolver = createImageResolver(vision, cache);

  async function* answer(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent> {
    const startMs = now();
    const sources = checkRequest(request, parts);
    const embeddings = await resolver.resolve(sources, signal);
    const imagesMs = now() - startMs;
    const images = embeddings.map(toResolvedImage);

    const prompt = family.buildPrompt(withEmbeddings(request.messages, embeddings));
    const { promptTokens, imageTokens } = countTokens(prompt);
    const maxTokens = completionBudget(promptTokens, decoder.maxContext, request.maxTokens, defaults.maxTokens);
    const sampling = { ...defaults.sampling, seed: request.sampling.seed ?? randomSeed(), ...request.sampling };
    const { requestId } = request;
    const { stopTokenIds } = family;

    const reader = createAnswerReader(family, request.stop);
    function* show(events: ReturnType<typeof reader.end>): Generator<ChatEvent> {
      for (const event of events) {
        if (event.kind === 'text') yield event;
        else {
          const grounding = toGrounding(event.region, images, prompt.picture);
          if (grounding !== undefined) yield { kind: 'grounding', grounding };
        }
      }
    }

    let cachedTokens = 0;
    let completionTokens = 0;
    let firstTokenMs: number | undefined;
    let reason: 'stop' | 'length' | undefined;
    const segments = attach(prompt.segments, embeddings);
    const generation = { requestId, prompt: segments, sampling, maxTokens, stopTokenIds };
    for await (const event of decoder.generate(generation, signal)) {
      if (event.kind === 'prefilled') {
        cachedTokens = event.cachedTokens;
        yield { kind: 'started', images, promptTokens };
      } else if (event.kind === 'finished') {
        reason = event.reason;
      } else {
        completionTokens += 1;
        firstTokenMs ??= now() - startMs;
        const { events, stopped } = reader.push(event.id);
        yield* show(events);
        if (stopped) {
          reason = 'stop';
          break;
        }
      }
    }
    if (reason === undefined) throw new EideticError('inference_failed', 'The decoder broke off without a reason.');
    yield* show(reader.end());
    const totalMs = now() - startMs;
    yield {
      kind: 'finished',
      reason,
      usage: { promptTokens, imageTokens, cachedTokens, completionTokens },
      timings: { imagesMs, firstTokenMs: firstTokenMs ?? totalMs, totalMs },
    };
  }

  return {
    model,
    async *chat(request, signal) {
      try {
        yield* answer(request, signal);
      } catch (error) {
        throw signal?.aborted ? interruption(signal.reason) : EideticError.from(error);
      }
    },
  };
}

/** Refuses what is refused without looking at a picture, and gives the request's pictures. */
function checkRequest(request: ChatRequest, { family, decoder, limits }: ChatServiceParts): ImageSource[] {
  family.checkDialog(request.messages);
  if (request.stop.includes(''))
    throw new EideticError('invalid_request', 'stop: an empty string would end every answer.');
  if (request.maxTokens !== undefined && !(Number.isInteger(request.maxTokens) && request.maxTokens > 0)) {
    throw new EideticError('invalid_request', `maxTokens is ${request.maxTokens}, but must be a whole number above 0.`);
  }
  const parts = request.messages.flatMap((message) => message.content);
  const sources = parts.flatMap((part) => (part.kind === 'image' ? [part.source] : []));
  if (sources.length > limits.maxImages) {
    throw new EideticError(
      'too_many_images',
      `The dialog has ${sources.length} pictures, but at most ${limits.maxImages} are accepted. Leave some out.`,
      { details: { images: sources.length, maxImages: limits.maxImages } },
    );
  }
  const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  const atLeast = family.minTokens(text);
  if (atLeast >= decoder.maxContext) throw promptTooLong(atLeast, decoder.maxContext, 'at least ');
  return sources;
}

function withEmbeddings(messages: readonly ChatMessage[], embeddings: readonly ResolvedEmbedding[]): PromptMessage[] {
  const next = embeddings.values();
  return messages.map(({ role, content }) => ({
    role,
    content: content.map((part) => {
      if (part.kind === 'text') return part;
      const { value } = next.next();
      if (value === undefined) throw new EideticError('internal', 'There are more pictures than embeddings.');
      return { kind: 'image', key: value.key, tokens: value.embedding.tokens };
    }),
  }));
}

/** Puts each picture's embedding beside its key, for a decoder in this process. */
function attach(segments: readonly PromptSegment[], embeddings: readonly ResolvedEmbedding[]): PromptSegment[] {
  const byKey = new Map(embeddings.map(({ key, embedding }) => [key, embedding]));
  return segments.map((segment) => {
    const embedding = segment.kind === 'image' ? byKey.get(segment.key) : undefined;
    return embedding === undefined ? segment : { ...segment, embedding };
  });
}

function toResolvedImage({ imageId, embedding, cached }: ResolvedEmbedding): ResolvedImage {
  return { imageId, width: embedding.imageWidth, height: embedding.imageHeight, cached };
}

function countTokens({ segments }: Prompt): { promptTokens: number; imageTokens: number } {
  let promptTokens = 0;
  let imageTokens = 0;
  for (const segment of segments) {
    if (segment.kind === 'image') imageTokens += segment.tokens;
    promptTokens += segment.kind === 'image' ? segment.tokens : segment.ids.length;
  }
  return { promptTokens, imageTokens };
}

/** Tokens that the answer may take: what was asked for, or the default as far as it fits. */
function completionBudget(prompt: number, context: number, asked: number | undefined, usual: number): number {
  const left = context - prompt;
  if (left < 1) throw promptTooLong(prompt, context, '');
  if (asked === undefined) return Math.min(usual, left);
  if (asked <= left) return asked;
  throw new EideticError(
    'context_length_exceeded',
    `The prompt takes ${prompt} tokens and the answer may take ${asked}, but the context has ${context}, ` +
      `${asked - left} too few. Ask for at most ${left} tokens, or shorten the dialog.`,
    { details: { promptTokens: prompt, maxTokens: asked, maxContext: context } },
  );
}

function promptTooLong(tokens: number, context: number, bound: string): EideticError {
  return new EideticError(
    'context_length_exceeded',
    `The prompt takes ${bound}${tokens} tokens, ${bound}${tokens - context + 1} more than fit into a context of ${context} ` +
      'with room for an answer. Shorten the dialog, or leave pictures out.',
    { details: { promptTokens: tokens, maxContext: context } },
  );
}

/** Why a signal was aborted: a deadline, or (whatever else the reason is) the caller. */
function interruption(reason: unknown): EideticError {
  const error = EideticError.from(reason);
  if (error.code !== 'internal') return error;
  return new EideticError('cancelled', 'The request was cancelled.', { cause: reason });
}
