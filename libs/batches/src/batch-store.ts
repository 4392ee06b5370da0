import type { Batch, LineResult } from './batch.ts';

/** Keeps batches and what became of their lines. What a call has resolved survives whatever happens to this process. */
export interface BatchStore extends AsyncDisposable {
  /** @throws EideticError `quota_exceeded` if the tenant has `maxOpen` batches that have not ended. */
  add(batch: Batch, maxOpen: number): Promise<void>;
  get(id: string): Promise<Batch | undefined>;
  /** A tenant's batches, the oldest first. */
  list(tenant: string): Promise<readonly Batch[]>;
  /**
   * Replaces a batch by what `next` makes of it, which must depend on its argument alone: it is called again when somebody else
   * was quicker. Counts are not changed by it. When it has ended, the results of its lines are dropped.
   *
   * @throws EideticError `not_found`.
   */
  change(id: string, next: (batch: Batch) => Batch): Promise<Batch>;
  /** Keeps what became of a line; false if that was known already, which then stays. */
  record(id: string, line: number, result: LineResult): Promise<boolean>;
  /** Lines whose result is known. */
  recorded(id: string): Promise<ReadonlySet<number>>;
  /** All results that are known, by line. */
  results(id: string): AsyncIterable<LineResult>;
  /** Ids of the batches that have not ended, the oldest first. */
  open(): Promise<readonly string[]>;
  /** Forgets the batches that ended before. */
  removeEnded(beforeMs: number): Promise<void>;
}

/** Says how a run of a batch ended: for good, or before its time, so that it goes on elsewhere or later. */
export type RunOutcome = 'ended' | 'interrupted';

/** Runs a batch until it has ended, or `draining` is aborted. When it rejects it is tried again. */
export type RunBatch = (id: string, draining: AbortSignal) => Promise<RunOutcome>;

/** Hands batches to those who run them: each to one at a time, and to another if that one is lost. */
export interface BatchQueue extends AsyncDisposable {
  /** An id that is there already is not there twice. */
  add(id: string): Promise<void>;
  /** Starts to run batches. */
  consume(run: RunBatch): BatchConsumer;
}

/** Who runs batches. */
export interface BatchConsumer {
  /** Takes no more batches, and resolves when those that run have been interrupted. */
  close(): Promise<void>;
}
