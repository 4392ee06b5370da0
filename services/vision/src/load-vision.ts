import { EideticError } from '@eidetic/core';
import { createMemoryEmbeddingCache } from '@eidetic/embedding-cache';
import { probeImage } from '@eidetic/image';
import { checkProvider, loadBundle, memoryWarning } from '@eidetic/model-loader';
import { imageLimitsOf, startVision } from '@eidetic/model-loader/vision';
import type { Loaded, LoadHooks } from '@eidetic/rpc-service';
import { measureEmbeddingCache, measureVisionEncoder } from '@eidetic/telemetry';
import { maxImagesPerCall, type ServedVision } from '@eidetic/vision-rpc';
import type { VisionServiceConfig } from './config.ts';
import { connectCaches } from './connect-caches.ts';
import { EncodeProbe } from './encode-probe.ts';
import type { Metrics } from './metrics.ts';
import { PictureBudget } from './picture-budget.ts';
import { PictureEncoder } from './picture-encoder.ts';
import { encodeTinyPicture } from './tiny-picture.ts';
import { traceEncode } from './trace-encode.ts';

/** What a vision encoder is loaded with. */
interface LoadVisionContext extends LoadHooks {
  readonly metrics: Metrics;
}

/** Loads what the configuration names. */
export type VisionLoader = (config: VisionServiceConfig, context: LoadVisionContext) => Promise<Loaded<ServedVision>>;

/** What this service loads of a bundle. */
const PARTS = ['vision'] as const;

/** Longest time that a probe may take where nobody says, in milliseconds … */
const PROBE_LIMIT_MS = 10_000;

/** … or so many times as long as the picture at start: on a large model and few cores that is the greater limit. */
const PROBE_FACTOR = 5;

/** A clock in milliseconds. */
const now = (): number => performance.now();

const after = (delayMs: number, run: () => void): (() => void) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

const outcomeTeller =
  ({ metrics, logger }: LoadVisionContext): ServedVision['onOutcome'] =>
  (outcome) => {
    metrics.vision.finished(outcome instanceof EideticError ? outcome.code : outcome);
    if (outcome instanceof EideticError && outcome.kind.http === 500) logger.error({ err: outcome }, 'picture');
  };

/**
 * Converts the checkpoint unless that has been done before, loads its vision graph, and encodes a tiny picture, so that threads and
 * memory are warm for the first caller, and a model that cannot run is found.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadVision: VisionLoader = async (config, context) => {
  const { metrics, onProgress, onTrouble, signal, logger, tracer } = context;
  checkProvider(config);
  const bundle = await loadBundle(config, context, PARTS);
  const needs = { parts: PARTS, slots: 0, maxContext: 0, cachesBytes: config.embeddingCacheBytes };
  const warning = await memoryWarning(bundle, needs);
  if (warning !== undefined) onProgress(warning);
  const { name, vision } = bundle.manifest;
  await using resources = new AsyncDisposableStack();
  const { encoder } = resources.use(await startVision(bundle, config, context, { onBatch: metrics.vision.batch }));
  const startedMs = now();
  await encodeTinyPicture(encoder, signal);
  const firstMs = now() - startedMs;
  const url = config.cacheRedisUrl;
  const caches = url === undefined ? undefined : await connectCaches(url, config, metrics.cache, logger);
  if (caches !== undefined) resources.use(caches);
  const probe = new EncodeProbe({
    encode: (limit) => encodeTinyPicture(encoder, limit),
    idleMs: config.probeIdleMs,
    limitMs: config.probeLimitMs ?? Math.max(PROBE_LIMIT_MS, PROBE_FACTOR * firstMs),
    onTrouble,
    after,
  });
  resources.use(probe);
  const memory = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const pictures = new PictureEncoder({
    encoder: measureVisionEncoder(encoder, metrics.image),
    hidden: vision.hidden,
    memory: measureEmbeddingCache(memory, metrics.cache('embedding', 'process'), now),
    shared: caches?.embeddings,
    store: caches?.images,
    maxPictures: config.maxPictures,
    budget: new PictureBudget({
      maxBytes: config.pictureMemoryBytes,
      decoders: config.imageThreads,
      resultBytes: 3 * vision.imageSize ** 2 + 4 * vision.tokensPerImage * vision.hidden,
    }),
    maxImageBytes: config.maxImageBytes,
    async pixelsOf(bytes) {
      const { width, height } = await probeImage(bytes, imageLimitsOf(config));
      return width * height;
    },
    metrics: metrics.vision,
    now,
    onEncoded: () => probe.succeeded(),
  });
  const { fingerprint, tokensPerImage, hidden } = vision;
  const maxImages = maxImagesPerCall({ tokens: tokensPerImage, hidden });
  const served: ServedVision = {
    model: { name, fingerprint, tokensPerImage, hidden, maxImages },
    load: () => ({
      running: Math.min(encoder.running, pictures.pictures),
      waiting: Math.max(0, pictures.pictures - encoder.running),
      maxBatch: config.visionBatch,
    }),
    encode: traceEncode((picture, callSignal) => pictures.encode(picture, callSignal), tracer),
    onOutcome: outcomeTeller(context),
  };
  const kept = resources.move();
  return { served, release: () => kept.disposeAsync() };
};
