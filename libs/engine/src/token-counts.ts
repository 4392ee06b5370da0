/**
 * Which token ids a sequence has: what penalties are computed from. Kept as tokens come, since counting a prompt of thousands
 * anew for every token costs as much as choosing it.
 */
export class TokenCounts {
  /** Ids in the prompt. */
  readonly prompt: ReadonlySet<number>;
  readonly #answer = new Map<number, number>();

  /** `promptIds` are the prompt's token ids, in any order, rows of pictures left out. */
  constructor(promptIds: Iterable<number>) {
    this.prompt = new Set(promptIds);
  }

  /** How many times the answer has each id that it has. */
  get answer(): ReadonlyMap<number, number> {
    return this.#answer;
  }

  /** Counts a generated id. */
  add(id: number): void {
    this.#answer.set(id, (this.#answer.get(id) ?? 0) + 1);
  }
}
