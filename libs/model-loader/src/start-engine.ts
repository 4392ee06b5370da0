import { readFile } from 'node:fs/promises';
import type { Bundle } from '@eidetic/bundle';
import { Engine, type EngineOptions } from '@eidetic/engine';
import { createGrammarCompiler } from '@eidetic/grammar';
import { vocabularyOf } from '@eidetic/qwen-vl';
import type { LoadContext } from './load-context.ts';
import { maxContextOf } from './max-context.ts';
import { mapWeights } from './packed-weights.ts';
import { loadRuntime } from './runtime.ts';
import { type EngineConfig, type ModelConfig, modelPlanOf } from './settings.ts';

/** What an engine is made of besides its bundle and its settings. */
export type EngineParts = Pick<EngineOptions, 'resolveEmbedding' | 'observer'>;

/** An engine, and how to let go of it and of what it works with. */
export interface StartedEngine {
  readonly engine: Engine;
  release(): Promise<void>;
}

/**
 * An engine over a bundle, set up as the configuration says, whose answers can be held to grammars.
 *
 * @throws EideticError what {@link maxContextOf} and {@link Engine.create} throw; `invalid_checkpoint` when the bundle's tokenizer file is damaged.
 */
export async function startEngine(
  bundle: Bundle,
  config: ModelConfig & EngineConfig,
  parts: EngineParts,
  context: LoadContext,
): Promise<StartedEngine> {
  const { manifest } = bundle;
  const maxContext = maxContextOf(manifest, config);
  const { cacheDirectory } = modelPlanOf(config);
  const mapped = await mapWeights({ bundle, part: 'decoder', cacheDirectory, runtime: loadRuntime(config) }, context);
  const vocabulary = vocabularyOf(manifest, await readFile(bundle.path(manifest.tokenizer.file)));
  const grammars = createGrammarCompiler({ vocabulary });
  const engine = await Engine.create({
    ...mapped,
    slots: config.slots,
    maxContext,
    prefillChunk: config.prefillChunk,
    prefillShare: config.prefillPercent / 100,
    maxWaiting: config.maxWaiting,
    agingMs: config.priorityAgingMs,
    cudaGraphs: config.cudaGraphs,
    grammars,
    ...parts,
  });
  return {
    engine,
    async release() {
      await engine.stop();
      await grammars.close();
    },
  };
}
