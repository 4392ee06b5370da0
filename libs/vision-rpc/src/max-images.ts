import { MAX_MESSAGE_BYTES } from '@eidetic/rpc';

/** What a picture takes in a message besides its embedding or its bytes: key, sizes, timings. */
export const IMAGE_OVERHEAD_BYTES = 1024;

/** More are no batch any more, and an error for each of them still fits one message. */
const MAX_IMAGES = 256;

/** Most pictures of one call to an encoder whose embeddings are `[tokens, hidden]` float32: as many as fit an answer, but at least one. */
export const maxImagesPerCall = ({ tokens, hidden }: { readonly tokens: number; readonly hidden: number }): number => {
  const fitting = Math.floor(MAX_MESSAGE_BYTES / (4 * tokens * hidden + IMAGE_OVERHEAD_BYTES));
  return Math.max(1, Math.min(MAX_IMAGES, fitting));
};
