export { annotateImage, type Mark } from './annotate-image.ts';
export { decodeImage, type ImageSize, probeImage } from './decode-image.ts';
export { createImagePool, type ImagePool, type ResizedImage } from './image-pool.ts';
export { DECODE_BYTES_PER_PIXEL, DEFAULT_IMAGE_LIMITS, type ImageLimits } from './limits.ts';
export { resizeBicubic } from './resize-bicubic.ts';
export type { RgbImage } from './rgb-image.ts';
