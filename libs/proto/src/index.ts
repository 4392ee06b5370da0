export {
  type AnswerToken,
  type ChatMessage,
  ChatRequest,
  ChatResponse,
  type ChatSampling,
  ChatServiceDefinition,
  type ContentPart,
  type Grounding,
  type ResolvedImage,
  Role,
  type TokenScore,
} from '../gen/eidetic/v1/chat.ts';
export {
  DecoderServiceDefinition,
  type GeneratedTokens,
  type GenerateRequest,
  type GenerateResponse,
  type GetModelResponse,
  type ImageSegment,
  type PromptSegment,
  type SamplingOptions,
} from '../gen/eidetic/v1/decoder.ts';
export { ElementType, Embedding } from '../gen/eidetic/v1/embedding.ts';
export { FinishReason } from '../gen/eidetic/v1/finish_reason.ts';
export type { Grammar } from '../gen/eidetic/v1/grammar.ts';
export {
  ImageServiceDefinition,
  ImageServiceEncodeRequest,
  type ImageSource,
  UploadRequest,
} from '../gen/eidetic/v1/image.ts';
export {
  type EncodedImage,
  type EncodeOutcome,
  type ImageToEncode,
  VisionServiceDefinition,
  type VisionServiceGetModelResponse,
} from '../gen/eidetic/v1/vision.ts';
export { BadRequest, ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
export { Status } from '../gen/google/rpc/status.ts';
export { HealthCheckResponse_ServingStatus as ServingStatus, HealthDefinition } from '../gen/grpc/health/v1/health.ts';
export {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../gen/grpc/reflection/v1/reflection.ts';
export { readDescriptors } from './descriptors.ts';
