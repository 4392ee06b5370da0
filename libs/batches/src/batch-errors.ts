import { EideticError } from '@eidetic/core';

export const noSuchBatch = (id: string): EideticError =>
  new EideticError('not_found', `${JSON.stringify(id.slice(0, 80))}: there is no such batch (any more).`);

export const tooManyBatches = (maxOpen: number): EideticError =>
  new EideticError(
    'quota_exceeded',
    `You have ${maxOpen} batches that have not ended; wait until one has, or cancel one.`,
  );
