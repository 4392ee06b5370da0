import type { Bundle } from '@eidetic/bundle';
import { Engine, type EngineOptions } from '@eidetic/engine';
import { type EngineConfig, type ModelConfig, modelPlanOf } from './settings.ts';

/** What an engine is made of besides its bundle and its settings. */
export type EngineParts = Pick<EngineOptions, 'resolveEmbedding' | 'grammars' | 'observer'>;

/**
 * An engine over a bundle, set up as the configuration says.
 *
 * @throws EideticError what {@link Engine.create} throws.
 */
export const startEngine = (bundle: Bundle, config: ModelConfig & EngineConfig, parts: EngineParts): Promise<Engine> =>
  Engine.create({
    bundle,
    slots: config.slots,
    maxContext: config.maxContext === 0 ? bundle.manifest.decoder.maxPositions : config.maxContext,
    prefillChunk: config.prefillChunk,
    prefillShare: config.prefillPercent / 100,
    maxWaiting: config.maxWaiting,
    agingMs: config.priorityAgingMs,
    session: { intraOpThreads: modelPlanOf(config).threads },
    ...parts,
  });
