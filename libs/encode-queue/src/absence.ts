/** How long a server has been away, and whether that is too long. */
export class Absence {
  readonly #patienceMs: number;
  readonly #onTooLong: () => void;
  #timer: NodeJS.Timeout | undefined;
  #tooLong = false;

  /** @param onTooLong called once in each absence that lasts longer than `patienceMs` milliseconds */
  constructor(patienceMs: number, onTooLong: () => void) {
    this.#patienceMs = patienceMs;
    this.#onTooLong = onTooLong;
  }

  get tooLong(): boolean {
    return this.#tooLong;
  }

  /** The server does not answer, maybe for some time already. */
  began(): void {
    this.#timer ??= setTimeout(() => {
      this.#tooLong = true;
      this.#onTooLong();
    }, this.#patienceMs).unref();
  }

  /** The server answers, or does not matter any more. */
  ended(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tooLong = false;
  }
}
