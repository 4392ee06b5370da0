export {
  type ChatServer,
  type ChatServerParts,
  createChatServer,
  type LoadContext,
  type LoadedChat,
} from './chat-server.ts';
export type { Stores } from './durable-work.ts';
export { greeting } from './greeting.ts';
export { type BundleChatParts, openBundleChat } from './open-bundle-chat.ts';
export { type ChatServerConfig, GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from './settings.ts';
export { warmUp } from './warm-up.ts';
