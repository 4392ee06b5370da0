import { type CacheScope, EideticError, type ImageStore, identifyImage } from '@eidetic/core';
import type { ImageResolver, ResolvedEmbedding } from './image-resolver.ts';
import { NO_DEADLINE_MS } from './no-deadline.ts';
import type { ChatOptions, ImageSource } from './types.ts';

/** Whose a picture is, and until when somebody waits for it. */
export type ImageOptions = Pick<ChatOptions, 'tenant' | 'deadlineMs' | 'traceparent'>;

/** Pictures without a dialog. */
export interface ImageService {
  /**
   * Looks at a picture and keeps its bytes for a while, so that requests can name it.
   *
   * @throws EideticError what is wrong with the picture; `overloaded`, `unavailable`, `deadline_exceeded`, `cancelled`.
   */
  upload(bytes: Uint8Array, options: ImageOptions, signal?: AbortSignal): Promise<ResolvedEmbedding>;
  /**
   * A picture's embedding, from the cache if it is there.
   *
   * @throws EideticError as for {@link upload}, and `unsupported_image_source` for a reference to a picture that is not known.
   */
  encode(source: ImageSource, options: ImageOptions, signal?: AbortSignal): Promise<ResolvedEmbedding>;
}

/** What an image service is made of. */
export interface ImageServiceParts {
  readonly images: ImageResolver;
  /** Where the resolver finds pictures that are named. */
  readonly store: ImageStore;
  /** Whose pictures and embeddings a tenant's requests find. */
  readonly scopeOf: (tenant: string) => CacheScope;
}

/** Puts pictures into the store, and has them encoded. */
export function createImageService({ images, store, scopeOf }: ImageServiceParts): ImageService {
  const encode: ImageService['encode'] = async (source, options, signal) => {
    const { tenant = '', deadlineMs = NO_DEADLINE_MS, traceparent } = options;
    const context = { scope: scopeOf(tenant), priority: 0, deadlineMs, ...(traceparent && { traceparent }) };
    const [found] = await images.resolve([source], context, signal);
    if (found === undefined) throw new EideticError('internal', 'A picture was resolved to nothing.');
    return found;
  };
  return {
    encode,
    async upload(bytes, options, signal) {
      const encoded = await encode({ kind: 'bytes', bytes }, options, signal);
      // What is looked at is stored before; that of an embedding which was there may be gone.
      if (encoded.cached) await store.set(scopeOf(options.tenant ?? ''), identifyImage(bytes));
      return encoded;
    },
  };
}
