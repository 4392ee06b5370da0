import { AsyncLocalStorage } from 'node:async_hooks';
import type { CacheObserver, CacheWriteOutcome, EmbeddingCache, ImageEmbedding } from '@eidetic/core';

/** Embeddings where decoders find them. Neither call rejects, and neither takes longer than a bounded time. */
export interface SharedEmbeddings {
  get(key: string): Promise<ImageEmbedding | undefined>;
  /** Resolves to what became of the write: only what is `stored` will be found. */
  put(key: string, embedding: ImageEmbedding): Promise<CacheWriteOutcome>;
}

/** Tells each writer how its own write ended: the port says it to the cache's observer alone, who cannot tell one write from another. */
export class WriteOutcomes {
  readonly #writes = new AsyncLocalStorage<{ outcome: CacheWriteOutcome }>();

  /** The observer to open the cache with; it passes everything on. */
  observing(observer: CacheObserver): CacheObserver {
    return {
      read: observer.read,
      write: (call) => {
        const write = this.#writes.getStore();
        if (write !== undefined) write.outcome = call.outcome;
        observer.write(call);
      },
    };
  }

  /** The cache that was opened with that observer. */
  of(cache: EmbeddingCache): SharedEmbeddings {
    return {
      get: (key) => cache.get(key),
      put: async (key, embedding) => {
        const write: { outcome: CacheWriteOutcome } = { outcome: 'unavailable' };
        await this.#writes.run(write, () => cache.set(key, embedding));
        return write.outcome;
      },
    };
  }
}
