export { DecoderPool, type DecoderPoolOptions } from './decoder-pool.ts';
