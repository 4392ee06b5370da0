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

/** A part takes about so long: who comes in the meantime waits for its end. */
const PART_MS = 10;

/** A prompt is never cut finer for that: weights would be read too often, and the past of a long prompt. */
const PART_ROWS = 32;

/** A prompt may not be cut into single positions; below this, weights are read for too little. */
const FEWEST_ROWS = 4;

/**
 * Sizes the part of a prompt that is computed between two decode steps, so that a running answer's tokens come at most
 * 1 / (1 - share) times as far apart while prompts come in, on whatever machine. While no answer runs, what is computed at a stretch is
 * bounded as well, so that whoever comes next does not wait for long. It goes by how long the last parts and steps took; where a prompt is
 * cut never changes what comes out (docs/decisions/0004-batch-invariance.md).
 */
export class PrefillPacer {
  readonly #options: PrefillPacerOptions;
  #rows: number;
  #partRows: number;
  #stepMs: number | undefined;

  constructor(options: PrefillPacerOptions) {
    this.#options = options;
    this.#rows = Math.min(LEAST_ROWS, options.chunk);
    this.#partRows = options.chunk;
  }

  /** Most positions to compute before the next decode step. */
  rows(decoding: boolean): number {
    return decoding && this.#options.share < 1 ? this.#rows : this.#options.chunk;
  }

  /** Most of them to compute before it is looked who has come; while answers run, that is all of them, since they take no longer than a step. */
  partRows(decoding: boolean): number {
    return decoding ? this.rows(decoding) : this.#partRows;
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
    const fitting = Math.floor((rows * PART_MS) / durationMs);
    if (rows >= Math.min(PART_ROWS, chunk)) this.#partRows = Math.min(Math.max(fitting, PART_ROWS), chunk);
    // The short rest of a prompt costs more for each position than a whole part does.
    if (this.#stepMs === undefined || rows < this.#rows) return;
    const budgetMs = (this.#stepMs * share) / (1 - share);
    const wanted = (rows * budgetMs) / durationMs;
    const next = Math.min(Math.max(wanted, this.#rows / 2), this.#rows * 2);
    const least = (durationMs / rows) * LEAST_ROWS > LONG_PART_MS ? FEWEST_ROWS : LEAST_ROWS;
    this.#rows = Math.floor(Math.min(Math.max(next, least), chunk));
  }
}
