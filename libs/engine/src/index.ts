export { EmbeddingTable } from './embedding-table.ts';
export { Engine, type EngineOptions } from './engine.ts';
export { type DecodeRow, ModelRunner, type PrefillChunk } from './model-runner.ts';
export type { StepScores } from './sampler.ts';
