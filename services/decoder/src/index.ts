export type { Addresses } from '@eidetic/rpc-service';
export { createApp } from './app.ts';
export { CONFIG_DEFINITION, type DecoderConfig } from './config.ts';
export { loadDecoder } from './load-decoder.ts';
