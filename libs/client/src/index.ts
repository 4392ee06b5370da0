export type {
  AnswerToken,
  Box,
  ChatAnswer,
  ChatEvent,
  Choice,
  FinishReason,
  Grounding,
  Point,
  SeenImage,
  Timings,
  TokenScore,
  Usage,
} from './answer.ts';
export type { Batch, Batches, BatchRequest, BatchResult, BatchStatus, WaitOptions } from './batches.ts';
export type {
  ChatParameters,
  ChatRequest,
  CompletionRequest,
  GenerationParameters,
  ResponseFormat,
} from './chat-request.ts';
export { type CallOptions, type ClientOptions, createClient, type EideticClient, type Model } from './client.ts';
export type { Dialog, DialogOptions, TurnOptions } from './dialog.ts';
export { type ApiErrorFields, type ConnectionFailure, EideticApiError, EideticConnectionError } from './errors.ts';
export type { FilePurpose, Files, FileUpload, StoredFile } from './files.ts';
export { parseSegments, plainText, type Segment, type Size, scaleBox } from './grounding.ts';
export { type ImageSource, image } from './image.ts';
export type { Content, ImagePart, Message, TextPart } from './messages.ts';
