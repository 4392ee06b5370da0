/** One picture as the language model sees it. */
export interface ImageEmbedding {
  /** Adapter output, row-major `[tokens, hidden]`, float32. Shared between requests: never written to. */
  readonly data: Float32Array;
  /** Rows: positions that the picture takes in the prompt. */
  readonly tokens: number;
  /** Columns: the language model's hidden size. */
  readonly hidden: number;
  /** Pixels of the picture as shown (after EXIF orientation): boxes are scaled to it. */
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/** Where the time of one encode went, in milliseconds. */
export interface EncodeTimings {
  readonly decodeMs: number;
  readonly preprocessMs: number;
  /** Run time of the batch that the picture was part of. */
  readonly encodeMs: number;
  /** The picture's part of it: the run time by the pictures of the batch. 0: not known. */
  readonly encodeShareMs: number;
}

/** The outcome for one picture of a batch: one bad picture never fails its neighbours. */
export type EncodeResult =
  | { readonly ok: true; readonly embedding: ImageEmbedding; readonly timings: EncodeTimings }
  | { readonly ok: false; readonly error: Error };

/** Turns compressed pictures into embeddings. */
export interface VisionEncoder {
  /** Covers weights, graph, precision and preprocessing: part of every embedding key. */
  readonly fingerprint: string;
  /** Rows of each embedding that `encode` returns, if every picture has the same. */
  readonly tokensPerImage: number;
  /**
   * Encodes compressed pictures (JPEG, PNG, WebP, …); results are in the order of `images`.
   * Rejects only when the batch as a whole fails (`cancelled`, `unavailable`, `inference_failed`).
   *
   * @param signal aborted, pictures are left out whose run has not begun, and it rejects with the reason; too late for all of them, and
   *   their results come all the same.
   */
  encode(images: readonly Uint8Array[], signal?: AbortSignal): Promise<readonly EncodeResult[]>;
}
