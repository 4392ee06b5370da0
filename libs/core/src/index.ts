export { apiKeyOf } from './api-key-of.ts';
export { BodyBudget } from './body-budget.ts';
export { type CacheScope, embeddingKey, SHARED_SCOPE, tenantScope, toCacheScope } from './cache-keys.ts';
export { EideticError, ERROR_KINDS, type ErrorCode, type ErrorDetails, type ErrorKind } from './errors.ts';
export { type IdentifiedImage, identifyImage } from './identified-image.ts';
export { MeanStay } from './mean-stay.ts';
export type {
  AccessControl,
  Admission,
  Allowance,
  Credentials,
  RequestKind,
} from './ports/access-control.ts';
export type { AccessObserver, LimiterFailure, RefusalReason } from './ports/access-observer.ts';
export type { CacheObserver, CacheReadOutcome, CacheWriteOutcome } from './ports/cache-observer.ts';
export type {
  ChatFamily,
  Detokenizer,
  OutputEvent,
  OutputParser,
  Prompt,
  PromptMessage,
  PromptPart,
  Region,
} from './ports/chat-family.ts';
export {
  type Decoder,
  type DecoderLoad,
  type EmbeddingResolver,
  type GenerateEvent,
  type GenerateRequest,
  GREEDY,
  MAX_LOGPROBS,
  type PromptSegment,
  type SamplingOptions,
  type TokenLogprob,
} from './ports/decoder.ts';
export type { DecoderPoolObserver, RouteReason } from './ports/decoder-pool-observer.ts';
export type { EmbeddingCache } from './ports/embedding-cache.ts';
export type {
  EncodeBacklog,
  EncodeConsumer,
  EncodeDropReason,
  EncodeHandler,
  EncodeJob,
  EncodeJobResult,
  EncodeLimits,
  EncodeOutcome,
  EncodeProducer,
  EncodeQueueObserver,
} from './ports/encode-queue.ts';
export type { EndpointObserver } from './ports/endpoint-observer.ts';
export type { EngineObserver, RequestStage } from './ports/engine-observer.ts';
export type { Grammar, GrammarCompiler, GrammarMatcher, TokenMask } from './ports/grammar.ts';
export type {
  FetchContext,
  FetchedImage,
  FetchRefusal,
  ImageFetcher,
  ImageFetchObserver,
} from './ports/image-fetcher.ts';
export type { ImageStore } from './ports/image-store.ts';
export type { EncodeResult, EncodeTimings, ImageEmbedding, VisionEncoder } from './ports/vision-encoder.ts';
export { toTraceparent, traceIdOf } from './trace-context.ts';
