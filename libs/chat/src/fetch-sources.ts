import { EideticError, type FetchedImage } from '@eidetic/core';
import { inPicture } from './in-picture.ts';
import type { ImageSource } from './types.ts';

/** A picture whose bytes are here, or were. */
export type SourceAtHand = Exclude<ImageSource, { readonly kind: 'url' }>;

/** Pictures of a request; disposing of them gives back the memory of those that were fetched. */
export interface FetchedSources extends Disposable {
  readonly sources: readonly SourceAtHand[];
}

/**
 * Puts the bytes behind URLs in the place of the URLs. All are fetched at the same time, each once; when one fails, the others are
 * given up, and all have ended before this does.
 *
 * @throws EideticError what `fetch` says of a picture, its number in front; the signal's reason once it is aborted.
 */
export const fetchSources = async (
  sources: readonly ImageSource[],
  fetch: (url: string, signal: AbortSignal) => Promise<FetchedImage>,
  signal?: AbortSignal,
): Promise<FetchedSources> => {
  const urls = new Set(sources.flatMap((source) => (source.kind === 'url' ? source.url : [])));
  const abandon = new AbortController();
  const both = signal === undefined ? abandon.signal : AbortSignal.any([abandon.signal, signal]);
  const bytesOf = new Map<string, Uint8Array>();
  const failures: { readonly url: string; readonly reason: unknown }[] = [];
  using held = new DisposableStack();
  const fetchOne = async (url: string): Promise<void> => {
    try {
      bytesOf.set(url, held.use(await fetch(url, both)).bytes);
    } catch (reason) {
      failures.push({ url, reason });
      abandon.abort();
    }
  };
  await Promise.all([...urls].map(fetchOne));
  // Those after the first were given up because of it.
  const [failure] = failures;
  if (failure !== undefined) {
    signal?.throwIfAborted();
    const index = sources.findIndex((source) => source.kind === 'url' && source.url === failure.url);
    throw inPicture(index, failure.reason);
  }
  const atHand = sources.map((source): SourceAtHand => {
    if (source.kind !== 'url') return source;
    const bytes = bytesOf.get(source.url);
    if (bytes === undefined) throw new EideticError('internal', 'A picture was neither fetched nor refused.');
    return { kind: 'bytes', bytes };
  });
  const kept = held.move();
  return { sources: atHand, [Symbol.dispose]: () => kept.dispose() };
};
