/** What Ctrl-C means: the first ends what is under way, the next one the command. */
export class Interrupts {
  readonly #leaving = new AbortController();
  #work: AbortController | undefined;

  /** Aborts when the command is to end. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Ctrl-C was pressed. */
  readonly interrupt = (): void => {
    if (this.#work !== undefined && !this.#work.signal.aborted) this.#work.abort();
    else this.#leaving.abort();
  };

  /** Does something that the first Ctrl-C ends. */
  async during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    this.#work = own;
    try {
      return await work(AbortSignal.any([own.signal, this.leaving]));
    } finally {
      this.#work = undefined;
    }
  }
}
