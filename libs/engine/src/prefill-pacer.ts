/** How a pacer is set up. */
export interface PrefillPacerOptions {
  /** Most positions at a time. */
  readonly chunk: number;
  /** Share of the time that prompts may take from running answers, above 0; 1 takes whole chunks. */
  readonly share: number;
}

/** A run over fewer positions costs hardly less: the past is read once however many there are. */
const LEAST_ROWS = 16;

/** Where so many take longer than this, arithmetic is what takes the time, and fewer cost as much less. */
const LONG_PART_MS = 50;

/** Where no answer runs, a part takes about so long: who comes in the meantime waits for its end. */
const LONE_PART_MS = 10;

/** A prompt alone is never cut finer for that: weights would be read too often, and the past of a long prompt. */
const LONE_ROWS = 32;

/** A prompt may not be cut into single positions; below this, weights are read for too little. */
const FEWEST_ROWS = 4;

/**
 * Sizes the part of a prompt that is computed between two decode steps, so that a running answer's tokens come at most
 * 1 / (1 - share) times as far apart while prompts come in, on whatever machine; and the part that is computed while no answer runs, so
 * that whoever comes next does not wait for long. It goes by how long the last parts and steps took; where a prompt is cut never changes
 * what comes out (docs/decisions/0004-batch-invariance.md).
 */
export class PrefillPacer {
  readonly #options: PrefillPacerOptions;
  #rows: number;
  #loneRows: number;
  #stepMs: number | undefined;

  constructor(options: PrefillPacerOptions) {
    this.#options = options;
    this.#rows = Math.min(LEAST_ROWS, options.chunk);
    this.#loneRows = options.chunk;
  }

  /** Most positions to compute next. */
  rows(decoding: boolean): number {
    const { chunk, share } = this.#options;
    if (share === 1) return chunk;
    return decoding ? this.#rows : this.#loneRows;
  }

  /** A decode step took so long. */
  decoded(durationMs: number): void {
    // A step that a collection or another process held up says little about the next.
    this.#stepMs = Math.min(durationMs, 2 * (this.#stepMs ?? durationMs));
  }

  /** A part of `rows` positions took so long. */
  prefilled(rows: number, durationMs: number): void {
    const { chunk, share } = this.#options;
    if (durationMs <= 0) return;
    const fitting = Math.floor((rows * LONE_PART_MS) / durationMs);
    if (rows >= Math.min(LONE_ROWS, chunk)) this.#loneRows = Math.min(Math.max(fitting, LONE_ROWS), chunk);
    // The short rest of a prompt costs more for each position than a whole part does.
    if (this.#stepMs === undefined || rows < this.#rows) return;
    const budgetMs = (this.#stepMs * share) / (1 - share);
    const wanted = (rows * budgetMs) / durationMs;
    const next = Math.min(Math.max(wanted, this.#rows / 2), this.#rows * 2);
    const least = (durationMs / rows) * LEAST_ROWS > LONG_PART_MS ? FEWEST_ROWS : LEAST_ROWS;
    this.#rows = Math.floor(Math.min(Math.max(next, least), chunk));
  }
}
