/** Bounds how many things are done at a time. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves once there is a place, to true; or once `signal` is aborted, to false, without one. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const taken = (): void => {
      signal.removeEventListener('abort', left);
      resolve(true);
    };
    const left = (): void => {
      const index = this.#waiting.indexOf(taken);
      if (index >= 0) this.#waiting.splice(index, 1);
      resolve(false);
    };
    this.#waiting.push(taken);
    signal.addEventListener('abort', left, { once: true });
    return promise;
  }

  /** Gives a place back. */
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
