export { logCall } from './log-call.ts';
export { logCertificates } from './log-certificates.ts';
export { type Addresses, createRpcService, type Loaded, type LoadHooks } from './rpc-service.ts';
export { CONNECTION_SETTINGS, grpcSettings, LIFE_SETTINGS, listenSettings } from './settings.ts';
