export { type ChatServiceParts, createChatService } from './chat-service.ts';
export { MAX_CHOICES } from './check-request.ts';
export { openChatFamily } from './family.ts';
export {
  type AroundImageStage,
  createImageResolver,
  type ImageContext,
  type ImageResolver,
  type ImageResolverParts,
  type ImageStage,
  type PictureEncoder,
  type ResolvedEmbedding,
  type Upload,
} from './image-resolver.ts';
export { createImageService, type ImageOptions, type ImageService } from './image-service.ts';
export { merge } from './merge.ts';
export type * from './types.ts';
export { nameForClient, type WireNames } from './wire-names.ts';
