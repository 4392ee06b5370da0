import { type ImageStore, identifyImage } from '@eidetic/core';
import { imageName } from './keys.ts';
import type { RedisCacheOptions } from './redis-cache-options.ts';

/**
 * Uploaded pictures that processes share. Bytes that do not hash to the picture's id are a miss; whatever happens, the
 * observer is told. `set` resolves when the server has the picture or it is given up, at the latest after the store's time-out.
 */
export const createRedisImageStore = ({ store, ttlSeconds, observer, now }: RedisCacheOptions): ImageStore => ({
  async get(scope, imageId) {
    const from = now();
    const found = await store.read(imageName(scope, imageId), ttlSeconds);
    const bytes = found.outcome === 'found' && identifyImage(found.value).imageId === imageId ? found.value : undefined;
    const outcome = found.outcome !== 'found' ? found.outcome : bytes ? 'hit' : 'corrupt';
    observer.read({ outcome, durationMs: now() - from });
    return bytes;
  },
  async set(scope, { imageId, bytes }) {
    const from = now();
    const outcome = await store.write(imageName(scope, imageId), () => bytes, ttlSeconds);
    observer.write({ outcome, durationMs: now() - from });
  },
});
