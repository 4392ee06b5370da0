import type { Manifest } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import type { EngineConfig } from './settings.ts';

/**
 * Most positions of a dialog: as configured, or the model's own.
 *
 * @throws EideticError `invalid_config` when more are configured than the model has: it knows no positions beyond, and whoever counts on them
 *   would find out by a refused request.
 */
export function maxContextOf({ name, decoder }: Manifest, { maxContext }: Pick<EngineConfig, 'maxContext'>): number {
  const { maxPositions } = decoder;
  if (maxContext <= maxPositions) return maxContext === 0 ? maxPositions : maxContext;
  const message = `EIDETIC_MAX_CONTEXT: ${name} has ${maxPositions} positions, and ${maxContext} are asked for. Set at most ${maxPositions}, or 0 for all of them.`;
  throw new EideticError('invalid_config', message);
}
