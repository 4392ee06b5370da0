import { EventEmitter, once } from 'node:events';
import type { EncodeHandler, EncodeJob, EncodeJobResult } from '@eidetic/core';
import { ENCODED } from './jobs.ts';

/** A handler whose batches end when the test says so, the earliest first, or are given up when nobody waits. */
export class HeldHandler {
  /** Names (scopes) of the jobs of each batch that came. */
  readonly batches: string[][] = [];
  /** When a batch was given up, in milliseconds since 1970. */
  readonly givenUpAtMs: number[] = [];
  readonly #runs: ((results: (job: EncodeJob) => EncodeJobResult) => void)[] = [];
  readonly #came = new EventEmitter();

  readonly handle: EncodeHandler = (jobs, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly EncodeJobResult[]>();
    this.batches.push(jobs.map(({ scope }) => scope));
    signal.addEventListener('abort', () => {
      this.givenUpAtMs.push(Date.now());
      reject(signal.reason);
    });
    this.#runs.push((result) => resolve(jobs.map(result)));
    this.#came.emit('batch');
    return promise;
  };

  /** Resolves once so many batches have come. */
  async batch(count: number): Promise<void> {
    while (this.batches.length < count) await once(this.#came, 'batch');
  }

  /** Ends the earliest batch that runs. */
  release(result: (job: EncodeJob) => EncodeJobResult = () => ENCODED): void {
    this.#runs.shift()?.(result);
  }
}
