export { type ChatServiceParts, createChatService } from './chat-service.ts';
export { openChatFamily } from './family.ts';
export type * from './types.ts';
