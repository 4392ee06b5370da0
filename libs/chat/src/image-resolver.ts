import {
  type CacheScope,
  EideticError,
  type EmbeddingCache,
  type EncodeProducer,
  type ErrorCode,
  embeddingKey,
  type FetchedImage,
  type IdentifiedImage,
  type ImageEmbedding,
  type ImageFetcher,
  type ImageStore,
  identifyImage,
} from '@eidetic/core';
import { fetchSources, type SourceAtHand } from './fetch-sources.ts';
import { inPicture } from './in-picture.ts';
import type { ImageSource } from './types.ts';

/** A picture with its embedding. */
export interface ResolvedEmbedding {
  /** sha256 (hex) of the picture's bytes. */
  readonly imageId: string;
  /** Under which the embedding is in the cache. */
  readonly key: string;
  readonly embedding: ImageEmbedding;
  /** Whether the embedding was there before. */
  readonly cached: boolean;
}

/** Whose pictures they are, how urgent they are, and what they are for. */
export interface ImageContext {
  readonly scope: CacheScope;
  /** Higher goes first. */
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Trace context (W3C). */
  readonly traceparent?: string;
}

/** Turns pictures into embeddings, encoding each picture once however many requests bring it at the same time. */
export interface ImageResolver {
  /**
   * Embeddings in the order of `sources`.
   *
   * @throws EideticError `unsupported_image_source` for a reference to a picture that is not known, and for a URL where none is
   *   fetched; what the fetcher or the encoder says of a picture, its number in front; `deadline_exceeded`, `unavailable`; the signal's reason once it is aborted.
   */
  resolve(
    sources: readonly ImageSource[],
    context: ImageContext,
    signal?: AbortSignal,
  ): Promise<readonly ResolvedEmbedding[]>;
}

/** What is done for a picture: fetching it, hashing its bytes, looking its embedding up, having it encoded by whoever does that. */
export type ImageStage = 'fetch' | 'hash' | 'lookup' | 'encode';

/** Does the work of a stage, as it is, and may take its time. */
export type AroundImageStage = <T>(stage: ImageStage, context: ImageContext, work: () => T) => T;

/** What an image resolver is made of. */
export interface ImageResolverParts {
  /** Where embeddings are looked up, and where whoever encodes puts them. */
  readonly cache: EmbeddingCache;
  /** Keeps what was uploaded, so that an embedding that left the cache is made again without asking for the picture. */
  readonly store: ImageStore;
  /** Pictures wait here to be encoded. */
  readonly queue: Pick<EncodeProducer, 'encode'>;
  /** Encodes past the queue, when the queue, the store or the cache fails. */
  readonly encoder: PictureEncoder;
  /** Gets pictures behind URLs; absent: URLs are refused. */
  readonly fetcher?: ImageFetcher | undefined;
  /** Told of each stage of each picture. */
  readonly around?: AroundImageStage;
}

/** A picture that is at hand. */
export interface Upload {
  /** Under which its embedding goes to the cache. */
  readonly key: string;
  /** sha256 (hex) of its bytes. */
  readonly imageId: string;
  readonly scope: CacheScope;
  readonly bytes: Uint8Array;
  /** Trace context (W3C) of the request that brought it. */
  readonly traceparent?: string;
}

/** Encodes single pictures at once. */
export interface PictureEncoder {
  /** Part of every embedding's key. */
  readonly fingerprint: string;
  /** Rows of an embedding: what encoding one costs. */
  readonly tokensPerImage: number;
  /** @throws EideticError what is wrong with the picture, or `unavailable`. */
  encode(upload: Upload, signal?: AbortSignal): Promise<ImageEmbedding>;
}

interface Picture {
  readonly imageId: string;
  readonly key: string;
  readonly upload: IdentifiedImage | undefined;
  /** Gets its bytes from where they are kept. */
  readonly load?: (() => Promise<Uint8Array>) | undefined;
}

/** Failures of what is around the encoder, not of the picture: with its bytes at hand it can be encoded all the same. */
const AROUND: readonly ErrorCode[] = ['unavailable', 'image_missing', 'internal'];

export function createImageResolver(parts: ImageResolverParts): ImageResolver {
  const { cache, store, queue, encoder, fetcher, around = (_, __, work) => work() } = parts;
  const encode = async (
    { key, imageId, load, ...picture }: Picture,
    context: ImageContext,
    signal?: AbortSignal,
  ): Promise<ImageEmbedding> => {
    const upload = picture.upload ?? (load && identifyImage(await load()));
    if (upload !== undefined) await store.set(context.scope, upload);
    const outcome = await queue.encode({ key, imageId, cost: encoder.tokensPerImage, ...context }, signal);
    const embedding = outcome.ok ? await cache.get(key) : undefined;
    if (embedding !== undefined) return embedding;
    if (!outcome.ok && !AROUND.includes(outcome.error.code)) throw outcome.error;
    const bytes = upload?.bytes ?? (await store.get(context.scope, imageId));
    if (bytes !== undefined) {
      const { scope, traceparent } = context;
      const wanted = { key, imageId, scope, bytes, ...(traceparent && { traceparent }) };
      const made = await encoder.encode(wanted, signal);
      void cache.set(key, made);
      return made;
    }
    throw outcome.ok || outcome.error.code === 'image_missing' ? unknownPicture(imageId) : outcome.error;
  };

  const resolveOne = async (picture: Picture, context: ImageContext, signal?: AbortSignal) => {
    const kept = await around('lookup', context, () => cache.get(picture.key));
    if (kept !== undefined) return { embedding: kept, cached: true };
    return { embedding: await around('encode', context, () => encode(picture, context, signal)), cached: false };
  };

  const fetch = async (url: string, context: ImageContext, signal: AbortSignal): Promise<FetchedImage> => {
    if (fetcher !== undefined) return around('fetch', context, () => fetcher.fetch(url, context, signal));
    const message = 'this server fetches no pictures from URLs; send the picture itself as a data URI.';
    throw new EideticError('unsupported_image_source', message);
  };

  return {
    async resolve(sources, context, signal) {
      using fetched = await fetchSources(sources, (url, either) => fetch(url, context, either), signal);
      const pictures = fetched.sources.map((source, index) =>
        around('hash', context, () => identify(source, index, context.scope, encoder.fingerprint)),
      );
      const distinct = new Map(pictures.map((picture) => [picture.key, picture]));
      for (const picture of pictures) if (picture.load !== undefined) distinct.set(picture.key, picture);
      for (const picture of pictures) if (picture.upload !== undefined) distinct.set(picture.key, picture);
      // Whatever one of them does wrong, the others are not waited for.
      const abandon = new AbortController();
      const both = signal === undefined ? abandon.signal : AbortSignal.any([abandon.signal, signal]);
      try {
        const found = await Promise.all(
          [...distinct.values()].map(async (picture) => {
            try {
              return [picture.key, await resolveOne(picture, context, both)] as const;
            } catch (error) {
              throw both.aborted
                ? both.reason
                : inPicture(
                    pictures.findIndex(({ key }) => key === picture.key),
                    error,
                  );
            }
          }),
        );
        const byKey = new Map(found);
        return pictures.map(({ imageId, key }) => {
          const resolved = byKey.get(key);
          if (resolved === undefined) throw new EideticError('internal', `No embedding for picture ${imageId}.`);
          return { imageId, key, ...resolved };
        });
      } finally {
        abandon.abort();
      }
    },
  };
}

const IMAGE_ID = /^[0-9a-f]{64}$/;

function identify(source: SourceAtHand, index: number, scope: CacheScope, fingerprint: string): Picture {
  const keyOf = (imageId: string): string => embeddingKey(scope, fingerprint, imageId);
  if (source.kind === 'bytes') {
    const upload = identifyImage(source.bytes);
    return { imageId: upload.imageId, key: keyOf(upload.imageId), upload };
  }
  if (!IMAGE_ID.test(source.imageId)) {
    const message = `Picture ${index + 1}: the reference is no sha256 in 64 lower-case hex digits.`;
    throw new EideticError('unsupported_image_source', message, { details: { picture: index } });
  }
  return { imageId: source.imageId, key: keyOf(source.imageId), upload: undefined, load: source.load };
}

function unknownPicture(imageId: string): EideticError {
  return new EideticError(
    'unsupported_image_source',
    `${imageId} is not known here (any more). Send the picture's bytes again.`,
  );
}
