import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ChatService, createChatService, openChatFamily } from '@eidetic/chat';
import { GREEDY } from '@eidetic/core';
import { createMemoryEmbeddingCache } from '@eidetic/embedding-cache';
import { Engine } from '@eidetic/engine';
import { type ConvertProgress, ensureBundle } from '@eidetic/exporter';
import { createImagePool, DEFAULT_IMAGE_LIMITS } from '@eidetic/image';
import { Environment } from '@eidetic/ort';
import { createPreprocess } from '@eidetic/qwen-vl';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { measureVisionEncoder } from '@eidetic/telemetry';
import { createVisionEncoder } from '@eidetic/vision';
import { planOf, type StandaloneConfig } from './config.ts';
import type { Metrics } from './metrics.ts';
import { warmUp } from './warm-up.ts';

/** A model that answers, and how to let go of it. */
export interface LoadedModel {
  readonly chatService: ChatService;
  release(): Promise<void>;
}

/** What a model is loaded with. */
export interface LoadContext {
  readonly metrics: Metrics;
  /** Receives a line whenever there is something to say. */
  readonly onProgress: (step: string) => void;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
}

/** Loads what the configuration names. */
export type ModelLoader = (config: StandaloneConfig, context: LoadContext) => Promise<LoadedModel>;

/** A clock in milliseconds. */
const now = (): number => performance.now();

/** Says every ten percent how far a conversion is. */
const conversionSteps = (model: string, onProgress: LoadContext['onProgress']) => {
  let said = -1;
  return ({ doneBytes, totalBytes }: ConvertProgress): void => {
    const tenths = Math.floor((10 * doneBytes) / totalBytes);
    if (tenths === said) return;
    said = tenths;
    onProgress(`Converting ${model}: ${tenths * 10} %`);
  };
};

/**
 * Converts the checkpoint unless that has been done before, loads its two graphs and puts the chat service together.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export const loadModel: ModelLoader = async (config, { metrics, onProgress, signal }) => {
  const { checkpointDirectory, cacheDirectory, modelName, threads } = planOf(config);
  const bundle = await ensureBundle({
    checkpointDirectory,
    cacheDirectory,
    family: qwenVlExport,
    precisions: { vision: config.visionPrecision, decoder: config.decoderPrecision, head: config.headPrecision },
    activations: 'float32',
    onProgress: conversionSteps(modelName, onProgress),
    signal,
  });
  signal.throwIfAborted();
  onProgress(`Loading ${modelName}`);
  const { manifest } = bundle;
  const family = openChatFamily(manifest, await readFile(bundle.path(manifest.tokenizer.file)));
  const session = { intraOpThreads: threads };

  await using parts = new AsyncDisposableStack();
  const imageLimits = { ...DEFAULT_IMAGE_LIMITS, maxBytes: config.maxImageBytes, maxPixels: config.maxImagePixels };
  const images = createImagePool({ threads: config.imageThreads, limits: imageLimits });
  parts.defer(() => images.close());
  const vision = await createVisionEncoder({
    bundle,
    environment: Environment.load(),
    session,
    preprocess: createPreprocess(images, manifest.vision.imageSize),
    maxBatch: config.visionBatch,
  });
  parts.defer(() => vision.close());
  const cache = createMemoryEmbeddingCache({ maxBytes: config.embeddingCacheBytes });
  const engine = await Engine.create({
    bundle,
    resolveEmbedding: (key) => cache.get(key),
    slots: config.slots,
    maxContext: config.maxContext === 0 ? manifest.decoder.maxPositions : config.maxContext,
    prefillChunk: config.prefillChunk,
    prefillShare: config.prefillPercent / 100,
    maxWaiting: config.maxWaiting,
    agingMs: config.priorityAgingMs,
    session,
    observer: metrics.engine,
  });
  parts.defer(() => engine.stop());
  metrics.engine.observeLoad(() => engine.load);

  const { temperature, topP, topK, repetitionPenalty, maxNewTokens } = manifest.generation;
  const chatService = createChatService({
    model: manifest.name,
    family,
    vision: measureVisionEncoder(vision, metrics.image),
    cache,
    decoder: engine,
    limits: { maxImages: config.maxImagesPerRequest },
    defaults: { sampling: { ...GREEDY, temperature, topP, topK, repetitionPenalty }, maxTokens: maxNewTokens },
    now,
    randomSeed: () => randomInt(2 ** 47),
  });
  onProgress(`Warming up ${modelName}`);
  await warmUp(chatService);
  const loaded = parts.move();
  return { chatService, release: () => loaded.disposeAsync() };
};
