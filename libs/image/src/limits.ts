/** What is refused before any pixel is decoded. */
export interface ImageLimits {
  /** Largest compressed size. */
  readonly maxBytes: number;
  /** Largest width × height. Decoding one takes up to 7 bytes per pixel (measured). */
  readonly maxPixels: number;
  /** Largest width or height. */
  readonly maxSide: number;
}

/** Room for any phone's or camera's picture: 20 MiB, 50 megapixels, 32768 pixels along a side. */
export const DEFAULT_IMAGE_LIMITS: ImageLimits = { maxBytes: 20 * 2 ** 20, maxPixels: 50_000_000, maxSide: 32_768 };
