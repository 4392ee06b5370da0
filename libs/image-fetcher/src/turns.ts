import { FetchFailure } from './fetch-failure.ts';

/** How much goes on at the same time. */
export interface TurnLimits {
  readonly maxRunning: number;
  /** More are refused. */
  readonly maxWaiting: number;
}

interface Waiting {
  readonly group: string;
  readonly start: () => void;
}

/** Bounds what runs at the same time and what waits for it. Whoever's group has least running is next: nobody's many hold up another's few. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #total = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Resolves when it is the group's turn, which ends when the result is disposed of.
   *
   * @throws FetchFailure `overloaded`; the signal's reason.
   */
  async take(group: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#total < this.#limits.maxRunning) this.#begin(group);
    else await this.#wait(group, signal);
    return { [Symbol.dispose]: () => this.#end(group) };
  }

  async #wait(group: string, signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#limits.maxWaiting) {
      throw new FetchFailure('overloaded', 'as many pictures wait to be fetched as may; try again in a moment');
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.delete(waiting);
      reject(signal.reason);
    };
    const start = (): void => {
      signal.removeEventListener('abort', leave);
      this.#begin(group);
      resolve();
    };
    const waiting: Waiting = { group, start };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', leave, { once: true });
    await promise;
  }

  #begin(group: string): void {
    this.#total += 1;
    this.#running.set(group, this.#runningOf(group) + 1);
  }

  #end(group: string): void {
    this.#total -= 1;
    const left = this.#runningOf(group) - 1;
    if (left > 0) this.#running.set(group, left);
    else this.#running.delete(group);
    let next: Waiting | undefined;
    for (const each of this.#waiting) {
      if (next === undefined || this.#runningOf(each.group) < this.#runningOf(next.group)) next = each;
    }
    if (next === undefined) return;
    this.#waiting.delete(next);
    next.start();
  }

  #runningOf(group: string): number {
    return this.#running.get(group) ?? 0;
  }
}
