import { Worker } from 'node:worker_threads';
import { EideticError } from '@eidetic/core';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './protocol.ts';

/** Something asked of the worker, and what becomes of the answer. Exactly one of `done` and `fail` is called. */
interface Job {
  /** Whether it may have to compile a grammar. Only one such job is with the worker at a time. */
  readonly compiles: boolean;
  /**
   * The request to a worker of this generation; asked again when the worker is replaced. `undefined`: nobody wants it any more, the
   * job is dropped without an answer.
   */
  request(generation: number): WorkerRequest | undefined;
  done(reply: WorkerReply): void;
  fail(error: EideticError): void;
}

const ADVICE = 'Use fewer or smaller repetitions (maxLength, maxItems, {n,m}) and alternatives.';

/** The thread that grammars live in. It starts with the first job. */
export interface GrammarWorker {
  /** Counts the workers there have been: what lived in an earlier one is gone. */
  generation(): number;
  submit(job: Job): void;
  /** Posts something that is not answered, to the running worker only. */
  notify(request: WorkerRequest): void;
  /** Stops the thread; jobs on their way fail with `unavailable`. */
  close(): Promise<void>;
}

/**
 * Runs jobs in a worker thread, in order, and replaces the thread when a job takes longer than `timeLimitMs` or more than
 * `maxMemoryBytes` of heap. That job fails with `invalid_request`; those behind it are asked again in the new one.
 */
export function createGrammarWorker(
  setup: WorkerSetup,
  limits: { readonly timeLimitMs: number; readonly maxMemoryBytes: number },
): GrammarWorker {
  const { timeLimitMs, maxMemoryBytes } = limits;
  let worker: Worker | undefined;
  let generation = 0;
  let ready = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  /** With the worker, oldest first; and compiling ones that wait for another to be done. */
  let sent: Job[] = [];
  const waiting: Job[] = [];

  function start(): Worker {
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(maxMemoryBytes / 1_048_576) },
    });
    started.unref();
    ready = false;
    const current = (): boolean => worker === started;
    started.on('message', (reply: WorkerReply) => {
      if (current()) receive(reply);
    });
    started.on('error', (reason) => {
      if (current()) crash(reason);
    });
    return started;
  }

  function post(job: Job): void {
    const request = job.request(generation);
    if (request === undefined) return;
    worker ??= start();
    sent.push(job);
    worker.postMessage(request);
    worker.ref();
    if (sent.length === 1) watch();
  }

  /** Gives the oldest job its time, from when the worker is there for it. */
  function watch(): void {
    clearTimeout(timer);
    if (!ready || sent.length === 0) return;
    timer = setTimeout(() => {
      const job = sent.shift();
      replace();
      job?.fail(
        new EideticError(
          'invalid_request',
          `The grammar is too complex: it took more than ${timeLimitMs} ms. ${ADVICE}`,
          { details: { timeLimitMs } },
        ),
      );
    }, timeLimitMs);
    timer.unref();
  }

  function receive(reply: WorkerReply): void {
    if (reply.kind === 'ready') {
      ready = true;
      watch();
      return;
    }
    const job = sent.shift();
    if (job === undefined) return;
    watch();
    if (sent.length === 0) worker?.unref();
    if (reply.kind === 'refused') job.fail(new EideticError(reply.code, reply.message));
    else job.done(reply);
    if (job.compiles) release();
  }

  /** Lets the next compiling job go. */
  function release(): void {
    while (waiting.length > 0 && !sent.some((job) => job.compiles)) {
      const next = waiting.shift();
      if (next !== undefined) post(next);
    }
  }

  function replace(): void {
    clearTimeout(timer);
    const old = worker;
    worker = undefined;
    generation++;
    void old?.terminate();
    const again = sent;
    sent = [];
    for (const job of again) post(job);
    release();
  }

  /** Out of memory, or a fault of ours: the job that was being worked on is to blame; before the start, none can go on. */
  function crash(reason: unknown): void {
    const jobs = ready ? sent.splice(0, 1) : [...sent.splice(0), ...waiting.splice(0)];
    replace();
    const cause = reason instanceof Error ? reason : new Error(String(reason));
    const full = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const error = full
      ? new EideticError(
          'invalid_request',
          `The grammar is too complex: it took more than ${maxMemoryBytes} bytes of memory. ${ADVICE}`,
        )
      : new EideticError('unavailable', `The worker for grammars stopped: ${cause.message}`, { cause });
    for (const job of jobs) job.fail(error);
  }

  return {
    generation: () => generation,
    submit(job) {
      if (closed) job.fail(new EideticError('unavailable', 'Grammars are closed.'));
      else if (job.compiles && sent.some((other) => other.compiles)) waiting.push(job);
      else post(job);
    },
    notify: (request) => worker?.postMessage(request),
    async close() {
      closed = true;
      clearTimeout(timer);
      const jobs = [...sent.splice(0), ...waiting.splice(0)];
      for (const job of jobs) job.fail(new EideticError('unavailable', 'Grammars are closed.'));
      const old = worker;
      worker = undefined;
      await old?.terminate();
    },
  };
}
