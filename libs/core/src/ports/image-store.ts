import type { CacheScope } from '../cache-keys.ts';

/**
 * Compressed pictures as they were uploaded, so that an embedding that left its cache can be made again without asking for
 * them. They are known by whose they are and by the sha256 of their bytes (64 lower-case hex digits). A failing store
 * answers with misses.
 */
export interface ImageStore {
  /** The picture's bytes, shared between callers: never written to. Their sha256 is `imageId`: nothing else is ever answered. */
  get(scope: CacheScope, imageId: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps a picture for a while.
   *
   * @throws EideticError `invalid_request` when `imageId` is not the sha256 of `bytes`.
   */
  set(scope: CacheScope, imageId: string, bytes: Uint8Array): Promise<void>;
}
