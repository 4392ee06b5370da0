import type { EncodeDropReason, EncodeQueueObserver } from '@eidetic/core';

/** An observer that remembers. */
export class Recorder {
  added = 0;
  coalesced = 0;
  retried = 0;
  stalled = 0;
  readonly answers: string[] = [];
  readonly handled: string[] = [];
  readonly dropped: EncodeDropReason[] = [];
  readonly batches: { readonly jobs: number; readonly cost: number; readonly queueMs: readonly number[] }[] = [];
  readonly work: { readonly cost: number; readonly encodeMs: number }[] = [];
  readonly failures: Error[] = [];

  readonly observer: EncodeQueueObserver = {
    added: ({ coalesced }) => {
      this.added += 1;
      if (coalesced) this.coalesced += 1;
    },
    answered: ({ outcome }) => this.answers.push(outcome),
    dispatched: (batch) => this.batches.push(batch),
    encoded: (work) => this.work.push(work),
    handled: ({ outcome }) => this.handled.push(outcome),
    retried: () => {
      this.retried += 1;
    },
    stalled: () => {
      this.stalled += 1;
    },
    dropped: ({ reason }) => this.dropped.push(reason),
    failed: (error) => this.failures.push(error),
  };
}
