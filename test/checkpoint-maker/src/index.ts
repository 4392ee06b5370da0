export { fullSizeConfig } from './full-size.ts';
export { type CheckpointOptions, makeCheckpoint } from './make-checkpoint.ts';
