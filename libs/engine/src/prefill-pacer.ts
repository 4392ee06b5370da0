/** How a pacer is set up. */
export interface PrefillPacerOptions {
  /** Most positions at a time, when nothing else is to do. */
  readonly chunk: number;
  /** Share of the time that prompts may take from running answers, above 0; 1 takes whole chunks. */
  readonly share: number;
}

/** A run over fewer positions costs hardly less: the past is read once however many there are. */
const LEAST_ROWS = 16;

/** Where so many take longer than this, arithmetic is what takes the time, and fewer cost as much less. */
const LONG_PART_MS = 50;

/** A prompt may not be cut into single positions; below this, weights are read for too little. */
const FEWEST_ROWS = 4;

/**
 * Sizes the part of a prompt that is computed between two decode steps, so that a running answer's tokens come at most
 * 1 / (1 - share) times as far apart while prompts come in, on whatever machine. It goes by how long the last parts and steps took;
 * where a prompt is cut never changes what comes out (docs/decisions/0004-batch-invariance.md).
 */
export class PrefillPacer {
  readonly #options: PrefillPacerOptions;
  #rows: number;
  #stepMs: number | undefined;

  constructor(options: PrefillPacerOptions) {
    this.#options = options;
    this.#rows = Math.min(LEAST_ROWS, options.chunk);
  }

  /** Most positions to compute next. */
  rows(decoding: boolean): number {
    return decoding && this.#options.share < 1 ? this.#rows : this.#options.chunk;
  }

  /** A decode step took so long. */
  decoded(durationMs: number): void {
    // A step that a collection or another process held up says little about the next.
    this.#stepMs = Math.min(durationMs, 2 * (this.#stepMs ?? durationMs));
  }

  /** A part of `rows` positions took so long. */
  prefilled(rows: number, durationMs: number): void {
    const { chunk, share } = this.#options;
    // The short rest of a prompt costs more for each position than a whole part does.
    if (this.#stepMs === undefined || durationMs <= 0 || rows < this.#rows) return;
    const budgetMs = (this.#stepMs * share) / (1 - share);
    const wanted = (rows * budgetMs) / durationMs;
    const next = Math.min(Math.max(wanted, this.#rows / 2), this.#rows * 2);
    const least = (durationMs / rows) * LEAST_ROWS > LONG_PART_MS ? FEWEST_ROWS : LEAST_ROWS;
    this.#rows = Math.floor(Math.min(Math.max(next, least), chunk));
  }
}
