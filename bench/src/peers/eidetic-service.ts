import { openBundle } from '@eidetic/bundle';
import { loadConfig } from '@eidetic/config';
import { EideticError, type GenerateRequest, GREEDY } from '@eidetic/core';
import { ENGINE_SETTINGS, MODEL_SETTINGS, startEngine, VISION_SETTINGS } from '@eidetic/model-loader';
import { startVision } from '@eidetic/model-loader/vision';
import { type ServicePeer, serve } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';

/** One part of a model, loaded as a service of it does: weights mapped, none of the other part. */
export interface EideticServiceOptions {
  readonly part: 'decoder' | 'vision';
  readonly bundleDirectory: string;
  readonly cacheDirectory: string;
  readonly threads: number;
  /** Most prompts of one job. */
  readonly sequences: number;
  /** Most positions of one sequence. */
  readonly contextSize: number;
}

const context = { onProgress: (line: string) => console.error(line), signal: new AbortController().signal };

await serve<EideticServiceOptions, ServicePeer>(async (options) => {
  const config = loadConfig(
    { ...MODEL_SETTINGS, ...ENGINE_SETTINGS, ...VISION_SETTINGS },
    {
      EIDETIC_MODEL: options.bundleDirectory,
      EIDETIC_CACHE_DIR: options.cacheDirectory,
      EIDETIC_THREADS: String(options.threads),
      EIDETIC_SLOTS: String(options.sequences),
      EIDETIC_MAX_CONTEXT: String(options.contextSize),
    },
  );
  const bundle = await openBundle(options.bundleDirectory);
  const resolveEmbedding = async () => undefined;
  const loaded =
    options.part === 'decoder'
      ? await startEngine(bundle, config, { resolveEmbedding }, context)
      : await startVision(bundle, config, context);

  async function* generate(prompt: GenerateRequest['prompt'], maxTokens: number): AsyncIterable<number> {
    if (!('engine' in loaded)) throw new EideticError('internal', 'This process has no decoder.');
    const request = { requestId: 'bench', prompt, sampling: GREEDY, maxTokens, stopTokenIds: [] };
    for await (const event of loaded.engine.generate(request)) if (event.kind === 'token') yield event.id;
  }
  return {
    generate: (job) => recordArrivals(job, (ids) => generate([{ kind: 'tokens', ids }], job.tokens)),
    async encode(picture) {
      if (!('encoder' in loaded)) throw new EideticError('internal', 'This process has no vision encoder.');
      const [result] = await loaded.encoder.encode([picture]);
      if (!result?.ok) throw result?.error ?? new EideticError('internal', 'There is no embedding.');
      return result.embedding;
    },
    async ask({ key, embedding, ids }) {
      const from = performance.now();
      const image = { kind: 'image', key, tokens: embedding.tokens, embedding } as const;
      for await (const _ of generate([image, { kind: 'tokens', ids }], 1)) break;
      return performance.now() - from;
    },
  };
});
