import type { ImageStore } from '@eidetic/core';
import { createByteLru } from './byte-lru.ts';
import { imageName } from './keys.ts';

/**
 * Uploaded pictures in this process's memory: at most `maxBytes`, the least recently used leave first; a larger one is not kept.
 * Bytes are copied: they often are a part of a request's body, all of which would stay.
 */
export function createMemoryImageStore(options: { readonly maxBytes: number }): ImageStore {
  const pictures = createByteLru<Uint8Array>(options.maxBytes, ({ byteLength }) => byteLength);
  return {
    async get(scope, imageId) {
      return pictures.get(imageName(scope, imageId));
    },
    async set(scope, { imageId, bytes }) {
      pictures.set(imageName(scope, imageId), new Uint8Array(bytes));
    },
  };
}
