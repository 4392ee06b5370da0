import { EideticError } from '@eidetic/core';

/** Where in a checkpoint something is wrong. */
export interface CheckpointLocation {
  /** File name inside the checkpoint, or its folder. */
  readonly file: string;
  readonly tensor?: string | undefined;
}

/** Names come from the file: they are quoted, so that they cannot forge a log line, and cut. */
const quote = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/** An `invalid_checkpoint` that names file, tensor and reason. `reason` is a sentence. */
export function invalidCheckpoint({ file, tensor }: CheckpointLocation, reason: string, cause?: unknown): EideticError {
  const where = tensor === undefined ? file : `${file}, tensor ${quote(tensor)}`;
  return new EideticError('invalid_checkpoint', `${where}: ${reason}`, {
    cause,
    details: tensor === undefined ? { file } : { file, tensor: tensor.slice(0, 200) },
  });
}
