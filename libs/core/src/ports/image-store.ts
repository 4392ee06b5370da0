import type { CacheScope } from '../cache-keys.ts';
import type { IdentifiedImage } from '../identified-image.ts';

/**
 * Compressed pictures as they were uploaded, so that an embedding that left its cache can be made again without asking for
 * them. They are known by whose they are and by the sha256 of their bytes (64 lower-case hex digits). A failing store
 * answers with misses.
 */
export interface ImageStore {
  /** The picture's bytes, shared between callers: never written to. Their sha256 is `imageId`: nothing else is ever answered. */
  get(scope: CacheScope, imageId: string): Promise<Uint8Array | undefined>;
  /** Keeps a picture for a while. */
  set(scope: CacheScope, image: IdentifiedImage): Promise<void>;
}
