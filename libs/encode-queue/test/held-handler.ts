import { EventEmitter, once } from 'node:events';
import type { EncodeHandler, EncodeJob, EncodeJobResult } from '@eidetic/core';
import { ENCODED } from './jobs.ts';

/** A handler whose batches end when the test says so, the earliest first. */
export class HeldHandler {
  /** Names (scopes) of the jobs of each batch that came. */
  readonly batches: string[][] = [];
  readonly #runs: ((results: (job: EncodeJob) => EncodeJobResult) => void)[] = [];
  readonly #came = new EventEmitter();

  readonly handle: EncodeHandler = (jobs) => {
    const { promise, resolve } = Promise.withResolvers<readonly EncodeJobResult[]>();
    this.batches.push(jobs.map(({ scope }) => scope));
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
