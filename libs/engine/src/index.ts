export { decoderSession } from './decoder-session.ts';
export { EmbeddingTable } from './embedding-table.ts';
export { Engine, type EngineOptions } from './engine.ts';
export { type FloatArray, floatArrayOf } from './float-array.ts';
export { createDeviceKvCache, createHostKvCache, createKvCache, type KvCache, type KvShape } from './kv-cache.ts';
export { type DecodeRow, ModelRunner, type PrefillChunk } from './model-runner.ts';
export type { StepScores } from './sampler.ts';
