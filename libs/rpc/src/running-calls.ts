import { EideticError } from '@eidetic/core';

/** The calls that a server is answering, and its state as far as they are concerned: once it drains, no other begins. */
export class RunningCalls {
  readonly #calls = new Set<AbortController>();
  readonly #draining = new AbortController();
  readonly #drained = Promise.withResolvers<void>();

  /** Aborts when draining begins. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /**
   * Counts a call until {@link end}; its signal tells it to end.
   *
   * @throws EideticError `unavailable` once the server drains.
   */
  begin(): AbortController {
    if (this.#draining.signal.aborted) throw new EideticError('unavailable', 'The server is shutting down.');
    const life = new AbortController();
    this.#calls.add(life);
    return life;
  }

  end(life: AbortController): void {
    this.#calls.delete(life);
    this.#endDrain();
  }

  /** Lets no other call begin; resolves when those that run have ended. After `limitMs` they are told to, and not waited for. */
  async drain(limitMs: number): Promise<void> {
    this.#draining.abort(new EideticError('unavailable', 'The server is shutting down.'));
    const limit = setTimeout(() => {
      const reason = new EideticError('unavailable', 'The server shut down before the answer was done.');
      for (const life of this.#calls) life.abort(reason);
      // A handler need not look at its signal.
      this.#drained.resolve();
    }, limitMs);
    this.#endDrain();
    await this.#drained.promise;
    clearTimeout(limit);
  }

  #endDrain(): void {
    if (this.#draining.signal.aborted && this.#calls.size === 0) this.#drained.resolve();
  }
}
