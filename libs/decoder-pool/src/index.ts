export { choosePod, LOAD_BOUNDS, type LoadBounds, type PodLoad } from './choose-pod.ts';
export { DecoderPool, type DecoderPoolOptions } from './decoder-pool.ts';
export { PrefixIndex } from './prefix-index.ts';
