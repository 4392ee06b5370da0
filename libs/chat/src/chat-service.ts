import {
  type CacheScope,
  type ChatFamily,
  type Decoder,
  EideticError,
  type GenerateRequest,
  type Prompt,
  type PromptPart,
  type PromptSegment,
  type SamplingOptions,
} from '@eidetic/core';
import { answerChoice } from './answer-choice.ts';
import { checkRequest, completionBudget, partsOf } from './check-request.ts';
import type { ImageResolver, ResolvedEmbedding } from './image-resolver.ts';
import { merge } from './merge.ts';
import { NO_DEADLINE_MS } from './no-deadline.ts';
import type { ChatEvent, ChatRequest, ChatService, ContentPart, ModelFacts, ResolvedImage } from './types.ts';

/** What a chat service is made of. */
export interface ChatServiceParts {
  /** Name under which the model is served. */
  readonly model: string;
  readonly family: ChatFamily;
  readonly images: ImageResolver;
  readonly decoder: Decoder;
  /** Whose pictures and embeddings a tenant's requests find. */
  readonly scopeOf: (tenant: string) => CacheScope;
  readonly limits: {
    /** Most pictures in one request. */
    readonly maxImages: number;
  };
  /** What is known of the model beside its limits. */
  readonly facts: Pick<ModelFacts, 'revision' | 'tokensPerImage'>;
  /** What holds when a request does not say. */
  readonly defaults: { readonly sampling: Omit<SamplingOptions, 'seed'>; readonly maxTokens: number };
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Seed of a request that brings none. */
  readonly randomSeed: () => number;
}

/** Puts pictures, prompt, decoder and output together. */
export function createChatService(parts: ChatServiceParts): ChatService {
  const { model, family, images: resolver, decoder, scopeOf, limits, defaults, now, randomSeed } = parts;

  /** Everything up to the decoder: done once, however many answers are asked for. */
  async function prepare(request: ChatRequest, startMs: number, signal: AbortSignal | undefined) {
    const sources = checkRequest(request, parts);
    const { tenant = '', priority = 0, deadlineMs = NO_DEADLINE_MS, traceparent } = request;
    const context = { scope: scopeOf(tenant), priority, deadlineMs, ...(traceparent && { traceparent }) };
    const embeddings = sources.length === 0 ? [] : await resolver.resolve(sources, context, signal);
    const imagesMs = now() - startMs;
    const prompt = promptOf(request, embeddings, family);
    const tokens = countTokens(prompt);
    const { ignoreEos = false, grammar, sampling } = request;
    const generation: GenerateRequest = {
      requestId: request.requestId,
      prompt: attach(prompt.segments, embeddings),
      sampling: { ...defaults.sampling, seed: sampling.seed ?? randomSeed(), ...sampling },
      maxTokens: completionBudget(request, tokens.promptTokens, decoder.maxContext, defaults.maxTokens),
      stopTokenIds: ignoreEos ? [] : family.stopTokenIds,
      ...wishes(request),
    };
    // A stop string of the family's would cut through what a grammar describes; a raw text has no turns that it could end.
    const own = ignoreEos || grammar !== undefined || request.prompt !== undefined ? [] : family.stop;
    const images = embeddings.map(toResolvedImage);
    const stop = [...own, ...request.stop];
    return { generation, stop, continued: rawText(request), images, picture: prompt.picture, tokens, imagesMs };
  }

  async function* answer(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const startMs = now();
    const { generation, tokens, imagesMs, ...common } = await prepare(request, startMs, signal);
    const { images } = common;
    const askedMs = now();
    let completionTokens = 0;
    let firstTokenMs: number | undefined;
    const onToken = (): void => {
      completionTokens += 1;
      firstTokenMs ??= now() - startMs;
    };
    const events = merge((life) => {
      const either = signal === undefined ? life : AbortSignal.any([life, signal]);
      return choicesOf(generation, request.choices ?? 1).map((each, choice) =>
        answerChoice({ ...common, choice, generation: each, onToken }, parts, either),
      );
    });

    let cachedTokens: number | undefined;
    let reason: 'stop' | 'length' = 'stop';
    for await (const event of events) {
      if (event.kind === 'prefilled') {
        if (cachedTokens === undefined) yield { kind: 'started', images, promptTokens: tokens.promptTokens };
        cachedTokens = Math.min(event.cachedTokens, cachedTokens ?? event.cachedTokens);
      } else {
        if (event.kind === 'ended' && event.reason === 'length') reason = 'length';
        yield event;
      }
    }
    const endMs = now();
    const [decoderMs, totalMs] = [endMs - askedMs, endMs - startMs];
    yield {
      kind: 'finished',
      reason,
      usage: { ...tokens, cachedTokens: cachedTokens ?? 0, completionTokens },
      timings: { imagesMs, decoderMs, firstTokenMs: firstTokenMs ?? totalMs, totalMs },
    };
  }

  return {
    model,
    facts: { ...parts.facts, maxContext: decoder.maxContext, maxImages: limits.maxImages },
    async *chat(request, signal) {
      try {
        yield* answer(request, signal);
      } catch (error) {
        throw signal?.aborted ? interruption(signal.reason) : EideticError.from(error);
      }
    },
  };
}

/** What the decoder is asked for beside the prompt, the sampling and the length. */
function wishes({
  logprobs,
  grammar,
  minTokens,
  priority,
  tenant,
  deadlineMs,
  traceparent,
}: ChatRequest): Partial<GenerateRequest> {
  return {
    ...(tenant !== undefined && { tenant }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(logprobs !== undefined && { logprobs }),
    ...(grammar !== undefined && { grammar }),
    ...(minTokens !== undefined && minTokens > 0 && { minTokens }),
    ...(priority !== undefined && { priority }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** One generation for each answer: alike but for the seed, and for the id where there are several. */
function choicesOf(generation: GenerateRequest, count: number): GenerateRequest[] {
  if (count === 1) return [generation];
  const { requestId, sampling } = generation;
  return Array.from({ length: count }, (_, i) => ({
    ...generation,
    requestId: `${requestId}-${i}`,
    sampling: { ...sampling, seed: sampling.seed + i },
  }));
}

/** The prompt of a request whose pictures have these embeddings, in order. */
function promptOf(request: ChatRequest, embeddings: readonly ResolvedEmbedding[], family: ChatFamily): Prompt {
  const next = embeddings.values();
  const resolved = (part: ContentPart): PromptPart => {
    if (part.kind === 'text') return part;
    const { value } = next.next();
    if (value === undefined) throw new EideticError('internal', 'There are more pictures than embeddings.');
    return { kind: 'image', key: value.key, tokens: value.embedding.tokens };
  };
  if (request.messages === undefined) return family.buildRawPrompt(request.prompt.map(resolved));
  return family.buildPrompt(request.messages.map(({ role, content }) => ({ role, content: content.map(resolved) })));
}

/** Text that an answer goes on with; none in a dialog, where each turn is a text of its own. */
const rawText = (request: ChatRequest): string =>
  request.prompt === undefined
    ? ''
    : partsOf(request)
        .map((part) => (part.kind === 'text' ? part.text : ''))
        .join('');

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

/** Why a signal was aborted: a deadline, or (whatever else the reason is) the caller. */
function interruption(reason: unknown): EideticError {
  const error = EideticError.from(reason);
  if (error.code !== 'internal') return error;
  return new EideticError('cancelled', 'The request was cancelled.', { cause: reason });
}
