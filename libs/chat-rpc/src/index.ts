export type { AnsweredChat, ChatRpcParts } from './api-parts.ts';
export { chatRpcService } from './chat-rpc-service.ts';
export { imageRpcService } from './image-rpc-service.ts';
