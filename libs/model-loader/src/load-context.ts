/** Whom to tell how far the loading is, and who may give it up. */
export interface LoadContext {
  /** Receives a line whenever there is something to say. */
  readonly onProgress: (step: string) => void;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
}
