import { setTimeout as delay } from 'node:timers/promises';
import { EideticError, type ErrorCode } from '@eidetic/core';
import { derivedFileId, type FileService } from '@eidetic/files';
import {
  type Batch,
  type BatchEndpoint,
  EXPIRED,
  hasEnded,
  type InputError,
  isGood,
  type LineResult,
} from './batch.ts';
import type { BatchConsumer, BatchQueue, BatchStore, RunOutcome } from './batch-store.ts';
import { checkInput, type FaultyLine, type InputLimits, inputLines, type RequestLine } from './input-lines.ts';
import { outputLines } from './output-lines.ts';
import { Places } from './places.ts';
import { retryDelayMs } from './retry.ts';

/** What a request was answered: as over HTTP. */
export interface Answer {
  readonly status: number;
  readonly requestId: string;
  readonly body: unknown;
  /** What went wrong, if anything did. */
  readonly code?: ErrorCode;
}

/** Answers a request of a batch; it never rejects. */
export type Execute = (
  endpoint: BatchEndpoint,
  body: Readonly<Record<string, unknown>>,
  context: { readonly tenant: string; readonly deadlineMs: number; readonly signal: AbortSignal },
) => Promise<Answer>;

/** Told of batches and their lines, for metrics. It must not throw. */
export interface BatchObserver {
  entered(status: Batch['status']): void;
  lineEnded(outcome: 'completed' | 'failed' | 'expired' | 'retried'): void;
}

/** What runs batches. */
export interface BatchRunnerParts {
  readonly store: BatchStore;
  readonly queue: BatchQueue;
  readonly files: FileService;
  readonly execute: Execute;
  readonly limits: InputLimits & {
    /** Lines that this process runs at a time, of all batches. */
    readonly concurrency: number;
  };
  readonly observer: BatchObserver;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Time between two looks whether a batch was cancelled or has expired, in milliseconds. */
  readonly lookMs: number;
}

type Stop = 'cancelled' | 'expired' | 'failed';

/** What ends the run of a line before its time, and how a line ends the run of its batch. */
interface LineLife {
  readonly life: AbortSignal;
  readonly draining: AbortSignal;
  readonly end: (reason: Stop) => void;
}

/** Runs batches from the queue. A line may be run twice where a process is lost; its result is kept once. */
export class BatchRunner {
  readonly #parts: BatchRunnerParts;
  readonly #places: Places;
  #consumer: BatchConsumer | undefined;

  constructor(parts: BatchRunnerParts) {
    this.#parts = parts;
    this.#places = new Places(parts.limits.concurrency);
  }

  /** Begins, also with what others or this process left unfinished. */
  async start(): Promise<void> {
    this.#consumer = this.#parts.queue.consume((id, draining) => this.#run(id, draining));
    await this.enqueue();
  }

  /** Puts what has not ended into the queue, should it not be there: whoever created it may have been lost before that. */
  async enqueue(): Promise<void> {
    const { queue, store } = this.#parts;
    for (const id of await store.open()) await queue.add(id);
  }

  /** Takes no more lines; resolves when those that run have ended. */
  async close(): Promise<void> {
    await this.#consumer?.close();
  }

  async #run(id: string, draining: AbortSignal): Promise<RunOutcome> {
    const { store } = this.#parts;
    let batch = await store.get(id);
    if (batch?.status === 'validating') batch = await this.#validate(batch);
    if (batch === undefined || hasEnded(batch)) return 'ended';
    if (batch.status === 'in_progress') {
      const { stop, errors } = await this.#runToEnd(batch, draining);
      if (stop === 'interrupted') return 'interrupted';
      batch = await this.#change(id, (current) => {
        if (current.status !== 'in_progress') return current;
        return { ...current, status: 'finalizing', finalizingAtMs: this.#parts.now(), ...(errors && { errors }) };
      });
    }
    if (!hasEnded(batch)) await this.#finalize(batch);
    return 'ended';
  }

  async #validate(batch: Batch): Promise<Batch> {
    const { files, limits, now } = this.#parts;
    const read = async () =>
      checkInput((await files.read(batch.tenant, batch.inputFileId)).content, batch.endpoint, limits);
    const { total, errors } = await read().catch((reason: unknown) => this.#inputGone(reason));
    return this.#change(batch.id, (current) => {
      if (current.status !== 'validating') return current;
      if (errors.length > 0) return { ...current, status: 'failed', endedAtMs: now(), errors };
      return { ...current, status: 'in_progress', inProgressAtMs: now(), total };
    });
  }

  /** Runs the lines; those that had no time get results that say so, and an input that was deleted is an error of the batch. */
  async #runToEnd(batch: Batch, draining: AbortSignal) {
    try {
      const stop = await this.#runLines(batch, draining);
      if (stop === 'expired') await this.#expireRest(batch);
      return { stop };
    } catch (reason) {
      return { stop: 'done' as const, errors: this.#inputGone(reason).errors };
    }
  }

  #inputGone(reason: unknown): { readonly total: number; readonly errors: InputError[] } {
    const { code, message } = EideticError.from(reason);
    if (code !== 'not_found') throw reason;
    return { total: 0, errors: [{ code: 'file_not_found', message, param: 'input_file_id', line: null }] };
  }

  /** Runs the lines that have no result yet. */
  async #runLines(batch: Batch, draining: AbortSignal): Promise<Stop | 'done' | 'interrupted'> {
    const { store, limits } = this.#parts;
    const life = new AbortController();
    let stop: Stop | undefined;
    let failure: unknown;
    const end = (reason: Stop, error?: unknown): void => {
      stop ??= reason;
      failure ??= error;
      life.abort();
    };
    const looking = setInterval(() => void this.#look(batch, end), this.#parts.lookMs);
    const leave = AbortSignal.any([life.signal, draining]);
    const running = new Set<Promise<void>>();
    try {
      await this.#look(batch, end);
      const recorded = await store.recorded(batch.id);
      const { content } = await this.#parts.files.read(batch.tenant, batch.inputFileId);
      for await (const line of inputLines(content, batch.endpoint, limits)) {
        if (recorded.has(line.index)) continue;
        if ('problem' in line) {
          await this.#recordProblem(batch.id, line);
          continue;
        }
        if (!(await this.#places.take(leave))) break;
        const task = this.#runLine(batch, line, { life: life.signal, draining, end })
          .catch((error: unknown) => end('failed', error))
          .finally(() => {
            this.#places.give();
            running.delete(task);
          });
        running.add(task);
      }
    } catch (error) {
      end('failed', error);
    } finally {
      await Promise.all(running);
      clearInterval(looking);
    }
    if (stop === 'failed') throw failure;
    return stop ?? (draining.aborted ? 'interrupted' : 'done');
  }

  /** Whether somebody has cancelled it, or its window has passed. */
  async #look({ id, expiresAtMs }: Batch, end: (reason: Stop, error?: unknown) => void): Promise<void> {
    try {
      if (this.#parts.now() >= expiresAtMs) end('expired');
      else if ((await this.#parts.store.get(id))?.status !== 'in_progress') end('cancelled');
    } catch (error) {
      end('failed', error);
    }
  }

  async #runLine(
    { id, endpoint, tenant, expiresAtMs }: Batch,
    { index, customId, body }: RequestLine,
    { life, draining, end }: LineLife,
  ): Promise<void> {
    const { execute, observer, now } = this.#parts;
    for (let attempts = 1; ; attempts++) {
      const answer = await execute(endpoint, body, { tenant, deadlineMs: expiresAtMs, signal: life });
      if (life.aborted) return;
      const { status, requestId, code } = answer;
      // The end of the window is its deadline as well, which it may meet before anybody has looked.
      if (code !== undefined && now() >= expiresAtMs) return end('expired');
      const waitMs = code === undefined ? undefined : retryDelayMs(code, attempts, Math.random());
      if (waitMs === undefined) {
        const result = { customId, requestId, response: { status, body: answer.body }, error: null };
        await this.#record(id, index, result);
        return;
      }
      observer.lineEnded('retried');
      const signal = AbortSignal.any([life, draining]);
      // It is run again when the batch goes on.
      const left = await delay(waitMs, false, { signal }).catch(() => true);
      if (left) return;
    }
  }

  /** A line that was right when the batch was made, and may not be run any more. */
  #recordProblem(id: string, { index, customId, problem: { code, message } }: FaultyLine): Promise<void> {
    return this.#record(id, index, { customId, requestId: '', response: null, error: { code, message } });
  }

  async #record(id: string, index: number, result: LineResult): Promise<void> {
    const { store, observer } = this.#parts;
    if (!(await store.record(id, index, result))) return;
    observer.lineEnded(result.error?.code === EXPIRED ? 'expired' : isGood(result) ? 'completed' : 'failed');
  }

  async #expireRest(batch: Batch): Promise<void> {
    const { store, files, limits } = this.#parts;
    const recorded = await store.recorded(batch.id);
    const { content } = await files.read(batch.tenant, batch.inputFileId);
    const message = 'This request could not be executed before the completion window expired.';
    for await (const { index, customId } of inputLines(content, batch.endpoint, limits)) {
      if (recorded.has(index)) continue;
      const error = { code: EXPIRED, message };
      await this.#record(batch.id, index, { customId, requestId: '', response: null, error });
    }
  }

  /** Writes the files of a batch, each once, and ends it. */
  async #finalize(batch: Batch): Promise<void> {
    const { store, now } = this.#parts;
    let [good, bad, expired] = [0, 0, 0];
    for await (const result of store.results(batch.id)) {
      if (isGood(result)) good += 1;
      else bad += 1;
      if (result.error?.code === EXPIRED) expired += 1;
    }
    const outputFileId = good > 0 ? await this.#write(batch, 'output', isGood) : undefined;
    const errorFileId = bad > 0 ? await this.#write(batch, 'error', (result) => !isGood(result)) : undefined;
    await this.#change(batch.id, (current) => {
      if (hasEnded(current)) return current;
      const cancelled = current.cancellingAtMs !== undefined;
      return {
        ...current,
        status: current.errors ? 'failed' : cancelled ? 'cancelled' : expired > 0 ? 'expired' : 'completed',
        endedAtMs: now(),
        ...(outputFileId !== undefined && { outputFileId }),
        ...(errorFileId !== undefined && { errorFileId }),
      };
    });
  }

  async #write(batch: Batch, kind: 'output' | 'error', wanted: (result: LineResult) => boolean): Promise<string> {
    const { store, files } = this.#parts;
    const id = derivedFileId(`${batch.id}:${kind}`);
    const { outputLifetimeMs: lifetimeMs } = batch;
    await files.put(id, batch.tenant, outputLines(store.results(batch.id), wanted), {
      filename: `${batch.id}_${kind}.jsonl`,
      purpose: 'batch_output',
      ...(lifetimeMs !== undefined && { lifetimeMs }),
    });
    return id;
  }

  async #change(id: string, next: (batch: Batch) => Batch): Promise<Batch> {
    let before: Batch | undefined;
    const batch = await this.#parts.store.change(id, (current) => {
      before = current;
      return next(current);
    });
    if (before?.status !== batch.status) this.#parts.observer.entered(batch.status);
    return batch;
  }
}
