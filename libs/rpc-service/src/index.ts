export { type Addresses, createRpcService, type Loaded, type LoadHooks } from './rpc-service.ts';
export { LIFE_SETTINGS, listenSettings } from './settings.ts';
