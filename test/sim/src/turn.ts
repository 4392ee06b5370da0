/** A question of a dialog. */
export interface Turn {
  readonly dialog: number;
  /** From 0. */
  readonly index: number;
  /** Picture that the dialog is about; undefined: none. */
  readonly picture: number | undefined;
  /** Positions that all dialogs begin with. */
  readonly systemTokens: number;
  /** Positions up to the end of the picture. */
  readonly pictureEnd: number;
  /** Positions of the whole prompt: everything before, and the question. */
  readonly promptTokens: number;
  /** Tokens of the answer. */
  readonly answerTokens: number;
  readonly arrivedMs: number;
  /** Positions that the decoder had computed before. */
  reused: number;
}
