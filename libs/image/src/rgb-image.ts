/** Decoded pixels, 8 bits per channel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** Row-major `[height, width, 3]`, red first. */
  readonly data: Uint8Array;
}
