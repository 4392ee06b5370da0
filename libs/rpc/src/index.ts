export type { CallContext } from './call-context.ts';
export { fromStatusMessage, toStatusMessage } from './error-status.ts';
export { type EndedCall, type Handlers, type Implementation, implement } from './implement.ts';
export { readyTogether } from './ready-together.ts';
export { type CallOptions, RpcChannel } from './rpc-channel.ts';
export { RpcServer, type RpcServerOptions } from './rpc-server.ts';
export { MAX_MESSAGE_BYTES } from './settings.ts';
export type { ChannelTls } from './tls.ts';
export { watchChanges } from './watch-changes.ts';
