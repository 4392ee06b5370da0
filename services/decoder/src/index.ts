export { type Addresses, createApp } from './app.ts';
export { CONFIG_DEFINITION, type DecoderConfig } from './config.ts';
export { loadDecoder } from './load-decoder.ts';
