import { setTimeout as delay } from 'node:timers/promises';
import { EideticError, type EncodeOutcome } from '@eidetic/core';

// setTimeout takes no longer time.
const LONGEST_TIMER_MS = 2 ** 31 - 1;
// A cache that does not answer must not turn a deadline into a hang.
const LAST_LOOK_MS = 250;

/** What the router does not know itself. */
export interface ResultRouterOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The last who waited for the key has left without an outcome: at their deadline (`expired`) or before. */
  readonly left: (key: string, reason: 'expired' | 'abandoned') => void;
  /** Asked once before a deadline is called exceeded: an outcome that nobody told of. */
  readonly lastLook?: (key: string) => Promise<EncodeOutcome | undefined>;
}

interface Waiter {
  readonly deadlineMs: number;
  readonly resolve: (outcome: EncodeOutcome) => void;
}

/** Brings outcomes to those who wait for them in this process: all of one key together, each until their own deadline. */
export class ResultRouter {
  readonly #options: ResultRouterOptions;
  readonly #waiters = new Map<string, Set<Waiter>>();

  constructor(options: ResultRouterOptions) {
    this.#options = options;
  }

  /** Keys that somebody waits for. */
  get keys(): readonly string[] {
    return [...this.#waiters.keys()];
  }

  has(key: string): boolean {
    return this.#waiters.has(key);
  }

  /** The latest deadline of those who wait for the key; undefined if nobody does. */
  deadlineMs(key: string): number | undefined {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) return undefined;
    return Math.max(...[...waiters].map(({ deadlineMs }) => deadlineMs));
  }

  /**
   * The outcome that `settle` gives, or `deadline_exceeded`. Whoever calls has joined when it returns.
   *
   * @throws the signal's reason once it is aborted.
   */
  wait(key: string, deadlineMs: number, signal?: AbortSignal): Promise<EncodeOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<EncodeOutcome>();
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters);
    const waiter: Waiter = {
      deadlineMs,
      resolve: (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        resolve(outcome);
      },
    };
    const leave = (reason: 'expired' | 'abandoned'): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (!waiters.delete(waiter) || waiters.size > 0) return;
      this.#waiters.delete(key);
      this.#options.left(key, reason);
    };
    const abort = (): void => {
      leave('abandoned');
      reject(signal?.reason);
    };
    const expire = async (): Promise<void> => {
      const leftMs = deadlineMs - this.#options.now();
      if (leftMs > 0) {
        timer = setTimeout(expire, Math.min(leftMs, LONGEST_TIMER_MS));
        return;
      }
      const found = await this.#lastLook(key);
      leave('expired');
      resolve(found ?? { ok: false, error: new EideticError('deadline_exceeded', EXCEEDED) });
    };
    waiters.add(waiter);
    signal?.addEventListener('abort', abort, { once: true });
    let timer = setTimeout(expire, Math.min(Math.max(0, deadlineMs - this.#options.now()), LONGEST_TIMER_MS));
    return promise;
  }

  /** Answers all who wait for the key. */
  settle(key: string, outcome: EncodeOutcome): void {
    const waiters = this.#waiters.get(key);
    this.#waiters.delete(key);
    for (const waiter of waiters ?? []) {
      waiters?.delete(waiter);
      waiter.resolve(outcome);
    }
  }

  async #lastLook(key: string): Promise<EncodeOutcome | undefined> {
    const { lastLook } = this.#options;
    if (lastLook === undefined) return undefined;
    const givenUp = new AbortController();
    try {
      return await Promise.race([lastLook(key), delay(LAST_LOOK_MS, undefined, { signal: givenUp.signal })]);
    } catch {
      // What cannot be looked up is not there: the deadline stands.
      return undefined;
    } finally {
      givenUp.abort();
    }
  }
}

const EXCEEDED = 'The deadline passed while a picture waited to be encoded.';
