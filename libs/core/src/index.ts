export { EideticError, ERROR_KINDS, type ErrorCode, type ErrorDetails, type ErrorKind } from './errors.ts';
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
export type { EmbeddingCache } from './ports/embedding-cache.ts';
export type { EngineObserver, RequestStage } from './ports/engine-observer.ts';
export type { Grammar, GrammarCompiler, GrammarMatcher, TokenMask } from './ports/grammar.ts';
export type { EncodeResult, EncodeTimings, ImageEmbedding, VisionEncoder } from './ports/vision-encoder.ts';
