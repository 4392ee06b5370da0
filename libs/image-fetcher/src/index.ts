export { openImageFetcher } from './open-image-fetcher.ts';
export { IMAGE_URL_SETTINGS, type ImageUrlConfig } from './settings.ts';
