/** What is refused before any pixel is decoded. */
export interface ImageLimits {
  /** Largest compressed size. */
  readonly maxBytes: number;
  /** Largest width × height; decoding takes up to {@link DECODE_BYTES_PER_PIXEL} for each. */
  readonly maxPixels: number;
  /** Largest width or height. */
  readonly maxSide: number;
}

/** Room for any phone's or camera's picture: 20 MiB, 50 megapixels, 32768 pixels along a side. */
export const DEFAULT_IMAGE_LIMITS: ImageLimits = { maxBytes: 20 * 2 ** 20, maxPixels: 50_000_000, maxSide: 32_768 };

/** Memory that decoding a picture takes at most for each of its pixels, as they are shown (measured). */
export const DECODE_BYTES_PER_PIXEL = 7;
