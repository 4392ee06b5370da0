export { FORMAT_BYTES, type ImageFormat, imageFormat } from './image-format.ts';
export { DEFAULT_IMAGE_LIMITS } from './limits.ts';
