import { hash } from 'node:crypto';
import {
  EideticError,
  type EmbeddingCache,
  type EncodeResult,
  type ImageEmbedding,
  type VisionEncoder,
} from '@eidetic/core';
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

/** Turns pictures into embeddings, encoding each picture once however many requests bring it at the same time. */
export interface ImageResolver {
  /**
   * Embeddings in the order of `sources`. All that the cache lacks is encoded in one batch and written to the cache.
   * An encode that no request waits for any more is cancelled.
   *
   * @throws EideticError `unsupported_image_source` for a reference to a picture that is not in the cache; what the
   *   encoder says of a picture, its number in front.
   */
  resolve(sources: readonly ImageSource[], signal?: AbortSignal): Promise<readonly ResolvedEmbedding[]>;
}

/** One call of the encoder, and how many are waiting for a picture of it. */
interface Batch {
  readonly controller: AbortController;
  readonly keys: readonly string[];
  waiting: number;
  landed: boolean;
}

interface Flight {
  readonly result: Promise<EncodeResult>;
  readonly batch: Batch;
}

interface Picture {
  readonly imageId: string;
  readonly key: string;
  readonly bytes: Uint8Array | undefined;
}

export function createImageResolver(vision: VisionEncoder, cache: EmbeddingCache): ImageResolver {
  const flights = new Map<string, Flight>();

  const land = (batch: Batch): void => {
    batch.landed = true;
    for (const key of batch.keys) if (flights.get(key)?.batch === batch) flights.delete(key);
  };

  const encode = async (pictures: readonly [string, Uint8Array][], signal: AbortSignal) => {
    const images = pictures.map(([, bytes]) => bytes);
    const results = await vision.encode(images, signal);
    const stored = pictures.map(async ([key], index) => {
      const result = results[index];
      if (result?.ok) await cache.set(key, result.embedding);
    });
    await Promise.all(stored);
    return results;
  };

  const launch = (pictures: readonly [string, Uint8Array][]): void => {
    if (pictures.length === 0) return;
    const keys = pictures.map(([key]) => key);
    const batch: Batch = { controller: new AbortController(), keys, waiting: 0, landed: false };
    const results = encode(pictures, batch.controller.signal).finally(() => land(batch));
    for (const [index, [key]] of pictures.entries()) {
      const result = results.then((all) => all[index] ?? missingResult);
      // Nobody may be waiting any more when it fails; those who wait see the failure all the same.
      result.catch(() => undefined);
      flights.set(key, { result, batch });
    }
  };

  const leave = ({ batch }: Flight): void => {
    batch.waiting -= 1;
    if (batch.waiting > 0 || batch.landed) return;
    // A request that comes from now on starts a new encode rather than joining a cancelled one.
    land(batch);
    batch.controller.abort();
  };

  return {
    async resolve(sources, signal) {
      const pictures = sources.map((source, index) => identify(source, index, vision.fingerprint));
      const bytesOf = new Map(pictures.map(({ key }) => [key, undefined as Uint8Array | undefined]));
      for (const { key, bytes } of pictures) if (bytes !== undefined) bytesOf.set(key, bytes);
      const keys = [...bytesOf.keys()];
      const hits = await abortable(Promise.all(keys.map((key) => cache.get(key))), signal);
      const embeddings = new Map(keys.map((key, index) => [key, hits[index]]));
      const misses = keys.filter((key) => embeddings.get(key) === undefined);

      const toEncode: [string, Uint8Array][] = [];
      for (const key of misses) {
        if (flights.has(key)) continue;
        const bytes = bytesOf.get(key);
        if (bytes === undefined)
          throw unknownReference(
            pictures.findIndex((picture) => picture.key === key),
            pictures,
          );
        toEncode.push([key, bytes]);
      }
      launch(toEncode);
      const joined = misses.flatMap((key) => flights.get(key) ?? []);
      for (const { batch } of joined) batch.waiting += 1;
      try {
        const results = await abortable(Promise.all(joined.map(({ result }) => result)), signal);
        for (const [index, result] of results.entries()) {
          const key = misses[index] ?? '';
          if (!result.ok)
            throw inPicture(
              pictures.findIndex((picture) => picture.key === key),
              result.error,
            );
          embeddings.set(key, result.embedding);
        }
      } finally {
        joined.forEach(leave);
      }
      return pictures.map(({ imageId, key }) => {
        const embedding = embeddings.get(key);
        if (embedding === undefined) throw new EideticError('internal', `No embedding for picture ${imageId}.`);
        return { imageId, key, embedding, cached: !misses.includes(key) };
      });
    },
  };
}

const IMAGE_ID = /^[0-9a-f]{64}$/;

const missingResult: EncodeResult = {
  ok: false,
  error: new EideticError('inference_failed', 'The vision encoder gave no result for a picture.'),
};

function identify(source: ImageSource, index: number, fingerprint: string): Picture {
  if (source.kind === 'reference' && !IMAGE_ID.test(source.imageId)) {
    const message = `Picture ${index + 1}: the reference is no sha256 in 64 lower-case hex digits.`;
    throw new EideticError('unsupported_image_source', message);
  }
  const bytes = source.kind === 'bytes' ? source.bytes : undefined;
  const imageId = source.kind === 'bytes' ? hash('sha256', source.bytes, 'hex') : source.imageId;
  return { imageId, key: `${fingerprint}:${imageId}`, bytes };
}

function unknownReference(index: number, pictures: readonly Picture[]): EideticError {
  return new EideticError(
    'unsupported_image_source',
    `Picture ${index + 1}: ${pictures[index]?.imageId} is not known here (any more). Send the picture's bytes again.`,
  );
}

function inPicture(index: number, reason: Error): EideticError {
  const error = EideticError.from(reason);
  return new EideticError(error.code, `Picture ${index + 1}: ${error.message}`, {
    cause: reason,
    details: error.details,
  });
}

/** The promise, or the abort if that comes first. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
