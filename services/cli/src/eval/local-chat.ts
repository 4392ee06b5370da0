import { type ChatService, createImageResolver } from '@eidetic/chat';
import { openBundleChat } from '@eidetic/chat-server';
import { type Config, type ConfigDefinition, loadConfig } from '@eidetic/config';
import { SHARED_SCOPE } from '@eidetic/core';
import { createMemoryEmbeddingCache, createMemoryImageStore } from '@eidetic/embedding-cache';
import { MemoryEncodeQueue, NO_OBSERVER } from '@eidetic/encode-queue';
import {
  checkProvider,
  ENGINE_SETTINGS,
  type LoadContext,
  loadBundle,
  MODEL_SETTINGS,
  startEngine,
  VISION_SETTINGS,
} from '@eidetic/model-loader';
import { startVision } from '@eidetic/model-loader/vision';
import { createEncodeHandler, encodePicture } from '@eidetic/vision';

const DEFINITION = { ...MODEL_SETTINGS, ...VISION_SETTINGS, ...ENGINE_SETTINGS } as const satisfies ConfigDefinition;

/** Questions about one picture mostly follow each other: it is enough to remember those of the last minutes. */
const CACHE_BYTES = 256 * 2 ** 20;
/** Pictures in one question: the frames of a video. */
const MAX_IMAGES = 16;

/** How a model in this process is set up. */
export type LocalConfig = Config<typeof DEFINITION>;

/** A model in this process, until it is disposed of. */
export interface LocalChat extends AsyncDisposable {
  readonly chat: ChatService;
}

/**
 * What `EIDETIC_*` variables say of a model, its vision encoder and its engine; variables about anything else do not matter here.
 *
 * @param model folder of a checkpoint or a bundle.
 * @throws EideticError `invalid_config`.
 */
export function localConfig(env: NodeJS.ProcessEnv, model: string): LocalConfig {
  const known = Object.values(DEFINITION).map(({ name }) => [name, env[name]]);
  return loadConfig(DEFINITION, { ...Object.fromEntries(known), [MODEL_SETTINGS.model.name]: model });
}

/**
 * Loads a model into this process, without a server.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`, `invalid_config`; `cancelled` when the signal is aborted.
 */
export async function startLocalChat(config: LocalConfig, context: LoadContext): Promise<LocalChat> {
  checkProvider(config);
  const bundle = await loadBundle(config, context, ['vision', 'decoder']);
  await using parts = new AsyncDisposableStack();
  const { encoder: vision } = parts.use(await startVision(bundle, config, context));
  const { fingerprint, tokensPerImage } = vision;
  const cache = createMemoryEmbeddingCache({ maxBytes: CACHE_BYTES });
  const store = createMemoryImageStore({ maxBytes: CACHE_BYTES });
  const queue = new MemoryEncodeQueue({ observer: NO_OBSERVER });
  parts.defer(() => queue.close());
  const consumer = queue.consume(createEncodeHandler({ vision, store, cache }), {
    maxCost: tokensPerImage * config.visionBatch,
    maxJobs: config.visionBatch,
    // While one batch is being encoded, the pictures of the next are decoded.
    maxInFlight: 2,
    lingerMs: 0,
  });
  parts.defer(() => consumer.close());
  const resolveEmbedding = (key: string) => cache.get(key);
  const { engine, release } = await startEngine(bundle, config, { resolveEmbedding }, context);
  parts.defer(release);
  const images = createImageResolver({
    cache,
    store,
    queue,
    encoder: {
      fingerprint,
      tokensPerImage,
      encode: ({ bytes }, callSignal) => encodePicture(vision, bytes, callSignal),
    },
  });
  const scopeOf = () => SHARED_SCOPE;
  const chat = await openBundleChat(bundle, { images, decoder: engine, scopeOf, maxImages: MAX_IMAGES });
  const loaded = parts.move();
  return { chat, [Symbol.asyncDispose]: () => loaded.disposeAsync() };
}
