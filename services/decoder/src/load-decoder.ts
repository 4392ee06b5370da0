import { type EmbeddingCache, type EmbeddingResolver, type EngineObserver, GREEDY } from '@eidetic/core';
import type { ServedDecoder } from '@eidetic/decoder-rpc';
import { createMemoryEmbeddingCache, createTieredEmbeddingCache } from '@eidetic/embedding-cache';
import { type LoadContext, loadBundle, startEngine } from '@eidetic/model-loader';
import type { Loaded } from '@eidetic/rpc-service';
import type { DecoderConfig } from './config.ts';

/** What a decoder is loaded with. */
interface LoadDecoderContext extends LoadContext {
  readonly observer: EngineObserver;
  /** Where to look for embeddings that are not in this process's memory. */
  readonly sharedCache?: EmbeddingCache | undefined;
}

/** Loads what the configuration names. */
export type DecoderLoader = (config: DecoderConfig, context: LoadDecoderContext) => Promise<Loaded<ServedDecoder>>;

/** Generates a token, so that memory is there and code is warm for the first caller, and a model that cannot run is found. */
const warmUp = async ({ decoder }: ServedDecoder): Promise<void> => {
  const prompt = [{ kind: 'tokens', ids: [0, 1, 2, 3] }] as const;
  const request = { requestId: 'warm-up', prompt, sampling: GREEDY, maxTokens: 2, stopTokenIds: [] };
  for await (const { kind } of decoder.generate(request)) if (kind === 'finished') return;
};

/**
 * Converts the checkpoint unless that has been done before, and starts an engine over its decoder.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadDecoder: DecoderLoader = async (config, { observer, sharedCache, ...context }) => {
  const bundle = await loadBundle(config, context);
  const memory = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const embeddings = createTieredEmbeddingCache(sharedCache ? [memory, sharedCache] : [memory]);
  const resolveEmbedding: EmbeddingResolver = (key) => embeddings.get(key);
  const { engine, release } = await startEngine(bundle, config, { resolveEmbedding, observer });
  const { name, family, source, decoder } = bundle.manifest;
  const { hidden, vocab } = decoder;
  const served: ServedDecoder = {
    decoder: engine,
    model: { name, family, source, maxContext: engine.maxContext, hidden, vocab },
    load: () => engine.load,
    embeddings,
  };
  try {
    await warmUp(served);
  } catch (error) {
    await release();
    throw error;
  }
  return { served, release };
};
