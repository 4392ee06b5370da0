import { EideticError } from '@eidetic/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { EncodeProbe } from './encode-probe.ts';

/** A clock whose time passes when it is told to. */
class Timers {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  after = (delayMs: number, run: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Time passes, and what follows from it happens. */
  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
    await new Promise(setImmediate);
  }

  get waiting(): number {
    return this.#timers.length;
  }
}

const IDLE_MS = 1000;
const LIMIT_MS = 100;

let timers: Timers;
let troubles: (string | undefined)[];
let probes: number;
let answer: (signal: AbortSignal) => Promise<void>;

beforeEach(() => {
  timers = new Timers();
  troubles = [];
  probes = 0;
  answer = async () => {};
});

const start = (): EncodeProbe =>
  new EncodeProbe({
    encode: (signal) => {
      probes += 1;
      return answer(signal);
    },
    idleMs: IDLE_MS,
    limitMs: LIMIT_MS,
    onTrouble: (reason) => troubles.push(reason),
    after: timers.after,
  });

const fails = (message: string) => async (): Promise<void> => {
  throw new EideticError('inference_failed', message);
};

const never = (): Promise<void> => new Promise(() => {});

describe('a probe', () => {
  it('asks after every idle time, and says nothing while all is well', async () => {
    start();
    await timers.pass(IDLE_MS - 1);
    expect(probes).toBe(0);
    await timers.pass(1);
    await timers.pass(IDLE_MS);
    expect(probes).toBe(2);
    expect(troubles).toEqual([]);
  });

  it('asks nothing while callers are served', async () => {
    const probe = start();
    for (let i = 0; i < 5; i++) {
      await timers.pass(IDLE_MS - 1);
      probe.succeeded();
    }
    expect(probes).toBe(0);
    await timers.pass(IDLE_MS);
    expect(probes).toBe(1);
  });

  it('tells of a failure, and of the first success after it', async () => {
    start();
    answer = fails('Broken.');
    await timers.pass(IDLE_MS);
    expect(troubles).toEqual(['Broken.']);
    answer = async () => {};
    await timers.pass(IDLE_MS);
    await timers.pass(IDLE_MS);
    expect(probes).toBe(3);
    expect(troubles).toEqual(['Broken.', undefined]);
  });

  it('tells of an answer that takes too long, gives it up, and asks again', async () => {
    start();
    let aborted = false;
    answer = (signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return never();
    };
    await timers.pass(IDLE_MS);
    await timers.pass(LIMIT_MS - 1);
    expect(troubles).toEqual([]);
    await timers.pass(1);
    expect(troubles).toEqual([expect.stringContaining('100 ms')]);
    expect(aborted).toBe(true);
    answer = async () => {};
    await timers.pass(IDLE_MS);
    expect(troubles.at(-1)).toBeUndefined();
  });

  it("takes a caller's success for the end of the trouble", async () => {
    const probe = start();
    answer = fails('Broken.');
    await timers.pass(IDLE_MS);
    probe.succeeded();
    expect(troubles).toEqual(['Broken.', undefined]);
    expect(probes).toBe(1);
  });

  it('does not count its own lateness while callers are served meanwhile', async () => {
    const probe = start();
    answer = never;
    await timers.pass(IDLE_MS);
    probe.succeeded();
    await timers.pass(LIMIT_MS);
    expect(troubles).toEqual([]);
    await timers.pass(IDLE_MS);
    expect(probes).toBe(2);
  });

  it('asks one at a time', async () => {
    const probe = start();
    const held = Promise.withResolvers<void>();
    answer = () => held.promise;
    await timers.pass(IDLE_MS);
    probe.succeeded();
    expect(timers.waiting).toBe(1);
    held.resolve();
    await timers.pass(0);
    expect(probes).toBe(1);
    expect(timers.waiting).toBe(1);
  });

  it('ends for good, also in the middle of an answer', async () => {
    const probe = start();
    let aborted = false;
    answer = (signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return never();
    };
    await timers.pass(IDLE_MS);
    probe[Symbol.dispose]();
    await timers.pass(0);
    probe.succeeded();
    expect([aborted, timers.waiting, troubles]).toEqual([true, 0, []]);
  });
});
