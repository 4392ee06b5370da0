export type { Addresses } from '@eidetic/rpc-service';
export { createApp } from './app.ts';
export { CONFIG_DEFINITION } from './config.ts';
export { loadVision } from './load-vision.ts';
