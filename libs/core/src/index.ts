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
export type {
  Decoder,
  EmbeddingResolver,
  GenerateEvent,
  GenerateRequest,
  PromptSegment,
  SamplingOptions,
} from './ports/decoder.ts';
export type { EmbeddingCache } from './ports/embedding-cache.ts';
export type { EncodeResult, EncodeTimings, ImageEmbedding, VisionEncoder } from './ports/vision-encoder.ts';
