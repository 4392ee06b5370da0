import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { Bundle } from '@eidetic/bundle';
import { EideticError, type EngineObserver, type TokenMask } from '@eidetic/core';
import type { Session } from '@eidetic/ort';
import { EmbeddingTable } from './embedding-table.ts';
import { type FloatArray, floatArrayOf } from './float-array.ts';
import { type DecodeRow, ModelRunner } from './model-runner.ts';
import { PrefillPacer } from './prefill-pacer.ts';
import { chunkRows } from './prefix.ts';
import { logprobsOf, type StepScores, sample } from './sampler.ts';
import type { PrefillPart, Scheduler, SlotRange } from './scheduler.ts';
import type { PromptPosition, Sequence } from './sequence.ts';
import type { Unconsolidated } from './slot-table.ts';

/** What a loop works with. */
export interface EngineLoopOptions {
  readonly bundle: Bundle;
  readonly session: Session;
  readonly slots: number;
  readonly maxContext: number;
  readonly prefillChunk: number;
  readonly prefillShare: number;
  readonly cudaGraphs?: boolean;
  readonly observer?: EngineObserver;
}

/** Positions of an answer that are computed again at a time: a request that comes meanwhile waits for no more. */
const CONSOLIDATED_ROWS = 32;

/** Longest time that a step waits for the grammar of one of its answers; usually it has spoken before the step is done. */
const GRAMMAR_GRACE_MS = 5;

/** Time between two looks at grammars, when all answers wait for theirs. */
const GRAMMAR_LOOK_MS = 1;

/**
 * Does what the scheduler decides: admits waiting sequences, computes a part of new prompts, then runs one decode step of all
 * running answers, until nothing is left to do. Then, as long as nobody comes, it computes past answers as prompts, so that the
 * next turns of their dialogs find them.
 */
export class EngineLoop {
  readonly scheduler: Scheduler;
  readonly #options: EngineLoopOptions;
  readonly #runner: ModelRunner;
  readonly #table: EmbeddingTable;
  readonly #pacer: PrefillPacer;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: EngineLoopOptions, createScheduler: (copyRows: number) => Scheduler) {
    const { session, bundle, slots, maxContext, prefillChunk, prefillShare, cudaGraphs = false } = options;
    this.#options = options;
    this.#runner = new ModelRunner(session, bundle, { slots, capacity: maxContext, cudaGraphs });
    this.#table = new EmbeddingTable(bundle);
    this.#pacer = new PrefillPacer({ chunk: prefillChunk, share: prefillShare });
    this.scheduler = createScheduler(this.#runner.kv.copyRows);
  }

  /** Says that there is work. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the step that is running, and frees what steps need. The scheduler's sequences must have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#runner.release();
    this.#table.close();
  }

  async #run(): Promise<void> {
    // The callers of this event loop turn are admitted together.
    await Promise.resolve();
    while (this.#hasWork()) await this.#iterate();
    // Here and not when the promise settles: who comes in between would wait for a loop that has ended.
    this.#running = undefined;
  }

  #hasWork(): boolean {
    const { running, waiting } = this.scheduler;
    return running.length > 0 || waiting > 0 || this.#pastAnswer() !== undefined;
  }

  async #iterate(): Promise<void> {
    this.scheduler.admit(Date.now());
    if (this.scheduler.running.length > 0) {
      await this.#prefillSome();
      await this.#decodeAll();
      // Nothing may be left to do but to wait for a grammar.
      if (this.scheduler.running.every(({ sitsOut }) => sitsOut)) await delay(GRAMMAR_LOOK_MS);
    } else {
      const past = this.#pastAnswer();
      if (past) await this.#consolidate(past);
    }
  }

  /** Parts of prompts, as many as running answers can bear to wait for. */
  async #prefillSome(): Promise<void> {
    const { decoding } = this.scheduler;
    const partRows = this.#pacer.partRows(decoding);
    let rows = this.#pacer.rows(decoding);
    while (rows > 1) {
      const part = this.scheduler.nextPrefill(Math.min(rows, partRows));
      if (!part) return;
      if (part.kind === 'compute') {
        rows -= part.rows;
        await this.#compute(part.sequence, part);
        this.scheduler.admit(Date.now());
      } else {
        rows = 0;
        const { sequence, from, end } = part;
        this.#runner.kv.copy(from, sequence.slot ?? 0, sequence.prefilled, end);
        this.scheduler.prefilled(part);
        // A long prompt is copied in many pieces: whoever waits for the event loop is served between any two.
        await turn();
      }
    }
  }

  async #compute(sequence: Sequence, part: Extract<PrefillPart, { kind: 'compute' }>): Promise<void> {
    const { prefilled, prompt, request } = sequence;
    const temperature = request.sampling.temperature;
    try {
      const positions = prompt.slice(prefilled, prefilled + part.rows);
      const { scores, durationMs } = await this.#prefill(sequence, prefilled, positions, temperature);
      this.#pacer.prefilled(part.rows, durationMs);
      this.#options.observer?.prefillStep({ tokens: part.rows, durationMs });
      this.scheduler.prefilled(part);
      if (sequence.prefilled < prompt.length) return;
      sequence.promptDone();
      await this.#advance(sequence, scores);
    } catch (error) {
      sequence.fail(EideticError.from(error));
    }
  }

  /** Runs the graph over consecutive positions of one slot, from `start` on. */
  async #prefill(
    { slot = 0, ropeOffset }: { readonly slot?: number | undefined; readonly ropeOffset: number },
    start: number,
    positions: readonly PromptPosition[],
    temperature: number,
  ): Promise<{ readonly scores: StepScores; readonly durationMs: number }> {
    const embeddings = this.#embed(positions);
    const started = performance.now();
    const inverseTemperature = inverse(temperature);
    const scores = await this.#runner.prefill({ slot, start, ropeOffset, inverseTemperature, embeddings });
    return { scores, durationMs: performance.now() - started };
  }

  /** `[positions, hidden]`. */
  #embed(positions: readonly PromptPosition[]): FloatArray {
    const { hidden, dtype } = this.#options.bundle.manifest.decoder;
    const ArrayOf = floatArrayOf(dtype);
    const embeddings = new ArrayOf(positions.length * hidden);
    for (const [i, position] of positions.entries()) {
      const target = embeddings.subarray(i * hidden, (i + 1) * hidden);
      if (typeof position === 'number') this.#table.read(position, target);
      else target.set(position);
    }
    return embeddings;
  }

  /** The next token of every running answer. */
  async #decodeAll(): Promise<void> {
    const started = performance.now();
    let rows = 0;
    for (const range of this.scheduler.decodeRanges()) rows += await this.#decode(range);
    if (rows === 0) return;
    const durationMs = performance.now() - started;
    this.#pacer.decoded(durationMs);
    this.#options.observer?.decodeStep({ rows, durationMs });
  }

  /** One step over neighbouring slots; returns how many of them took part. */
  async #decode({ first, count }: SlotRange): Promise<number> {
    const slots = this.scheduler.occupants.slice(first, first + count);
    const rows = slots.map((sequence, i) =>
      sequence?.decoding ? this.#decodeRow(sequence) : this.scheduler.kept(first + i),
    );
    const active = slots.filter((sequence) => sequence?.decoding) as readonly Sequence[];
    try {
      const scores = await this.#runner.decode(first, rows);
      for (const sequence of active) await this.#advance(sequence, scores(sequence.slot ?? 0));
    } catch (error) {
      for (const sequence of active) sequence.fail(EideticError.from(error));
    }
    return active.length;
  }

  #decodeRow({ generated, prompt, ropeOffset, request }: Sequence): DecodeRow {
    return {
      position: prompt.length + generated.length - 1,
      ropeOffset,
      inverseTemperature: inverse(request.sampling.temperature),
      embed: (target) => this.#table.read(generated.at(-1) ?? 0, target),
    };
  }

  /** Chooses the next token and says so, or ends the sequence. */
  async #advance(sequence: Sequence, scores: StepScores): Promise<void> {
    if (sequence.ended) return;
    const { request, prompt, generated, counts, replayed } = sequence;
    const { sampling, logprobs } = request;
    try {
      if (replayed !== undefined) {
        sequence.push({ kind: 'token', id: replayed });
        return;
      }
      const inGrammar = sequence.allowed && (await inTime(sequence.allowed));
      if (inGrammar === 'late') {
        // The step is repeated later: the same token at the same position leaves the same bits.
        sequence.sitOut();
        return;
      }
      const allowed = inGrammar ?? sequence.maskWhileTooShort(scores.vocab);
      const position = prompt.length + generated.length;
      const id = sample(scores, sampling, { counts, position, ...(allowed && { allowed }) });
      if (request.stopTokenIds.includes(id)) {
        sequence.finish('stop');
        return;
      }
      const logs = logprobs === undefined ? {} : logprobsOf(scores, id, logprobs, sampling.temperature);
      sequence.push({ kind: 'token', id, ...logs });
    } catch (error) {
      sequence.fail(EideticError.from(error));
    }
  }

  #pastAnswer(): Unconsolidated | undefined {
    return this.#stopping ? undefined : this.scheduler.unconsolidated();
  }

  /** Computes a piece of a past answer as a prompt. */
  async #consolidate(past: Unconsolidated): Promise<void> {
    const { slot, start, ids } = past;
    const rows = chunkRows(ids.length, CONSOLIDATED_ROWS);
    try {
      const { durationMs } = await this.#prefill(past, start, ids.slice(0, rows), 0);
      this.scheduler.consolidated(slot, start + rows);
      this.#options.observer?.consolidated({ tokens: rows, durationMs });
    } catch {
      // The next turn computes it then, and meets the error itself if there is one.
      this.scheduler.abandon(slot);
    }
  }
}

/** What a grammar allows, unless it takes longer than all other answers can wait. */
function inTime(allowed: Promise<TokenMask>): Promise<TokenMask | 'late'> {
  return Promise.race([allowed, delay(GRAMMAR_GRACE_MS, 'late' as const, { ref: false })]);
}

/** Greedy decoding ignores the normaliser. */
const inverse = (temperature: number): number => (temperature === 0 ? 1 : 1 / temperature);
