import { EideticError, type GenerateRequest, GREEDY } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkRows } from './prefix.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { Sequence } from './sequence.ts';

const OPTIONS: SchedulerOptions = { slots: 3, capacity: 40, maxWaiting: 6, agingMs: 20, copyRows: 8, maxGap: 1 };
const CAPACITY = OPTIONS.capacity;

interface Wanted {
  readonly ids?: readonly number[];
  readonly maxTokens?: number;
  readonly priority?: number;
  readonly tenant?: string;
  readonly deadlineMs?: number;
}

function sequenceOf({ ids = [1, 2, 3], maxTokens = 3, ...rest }: Wanted, arrivedMs = 0, ended = () => {}): Sequence {
  const prompt = [{ kind: 'tokens', ids }] as const;
  const request: GenerateRequest = { requestId: '', prompt, sampling: GREEDY, maxTokens, stopTokenIds: [], ...rest };
  const ignore = (): void => {};
  const observer = {
    admitted: ignore,
    prefillStep: ignore,
    decodeStep: ignore,
    firstToken: ignore,
    token: ignore,
    consolidated: ignore,
    ended,
  };
  return new Sequence(request, { embeddings: new Map(), ropeOffset: 0, arrivedMs, observer });
}

/** State of one position: which keys it was computed from, and whether by prefill. */
const stateOf = (keys: readonly (number | string)[], prefilled: boolean): string =>
  `${prefilled ? 'prefill' : 'decode'} ${keys.join()}`;

/** The token that follows: a function of everything before it. */
const tokenAfter = (ids: readonly number[]): number => ids.reduce((sum, id) => (sum * 31 + id) % 7, ids.length);

/**
 * The KV memory and the graph, with symbols for numbers: what a position holds says what it was computed from, so that state
 * which is lost, overwritten or another's shows.
 */
class SymbolicModel {
  readonly kv: string[][] = Array.from({ length: 8 }, () => new Array(CAPACITY).fill('nothing'));
  readonly scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** Computes parts of prompts; returns the positions that were. */
  prefill(budget: number): number {
    let computed = 0;
    for (let rows = budget; rows > 1; ) {
      const part = this.scheduler.nextPrefill(rows);
      if (!part) break;
      const { sequence } = part;
      const row = this.#row(sequence);
      if (part.kind === 'copy') {
        expect(part.end - sequence.prefilled).toBeLessThanOrEqual(OPTIONS.copyRows);
        for (let i = sequence.prefilled; i < part.end; i++) row[i] = this.kv[part.from]?.[i] ?? 'nothing';
        rows = 0;
      } else {
        for (let i = sequence.prefilled; i < sequence.prefilled + part.rows; i++) {
          row[i] = stateOf(sequence.keys.slice(0, i + 1), true);
        }
        computed += part.rows;
        rows -= part.rows;
      }
      this.scheduler.prefilled(part);
      this.#checkPrompt(sequence);
      if (sequence.prefilled < sequence.prompt.length) continue;
      sequence.promptDone();
      this.#advance(sequence);
    }
    return computed;
  }

  decode(): void {
    const seen = new Set<Sequence>();
    for (const { first, count } of this.scheduler.decodeRanges()) {
      const slots = this.scheduler.occupants.slice(first, first + count);
      // As the graph does: every row writes, also those that sit the step out.
      for (const [i, sequence] of slots.entries()) {
        const row = this.kv[first + i] ?? [];
        if (!sequence?.decoding) row[this.scheduler.kept(first + i)] = 'overwritten';
        else row[sequence.prompt.length + sequence.generated.length - 1] = stateOf(idsOf(sequence), false);
      }
      for (const sequence of slots.filter((each) => each?.decoding)) {
        if (!sequence) continue;
        expect(seen.has(sequence)).toBe(false);
        seen.add(sequence);
        this.#checkAnswer(sequence);
        this.#advance(sequence);
      }
    }
    const decoding = this.scheduler.running.filter((sequence) => sequence.decoding && !seen.has(sequence));
    expect(decoding).toEqual([]);
  }

  consolidate(): void {
    const past = this.scheduler.unconsolidated();
    if (!past) return;
    const rows = chunkRows(past.ids.length, 4);
    expect(rows).toBeGreaterThan(1);
    const row = this.kv[past.slot] ?? [];
    const before = (row[past.start - 1] ?? '').replace('prefill ', '');
    const keys = [...(past.start > 0 ? before.split(',').map(Number) : []), ...past.ids];
    for (let i = past.start; i < past.start + rows; i++) row[i] = stateOf(keys.slice(0, i + 1), true);
    this.scheduler.consolidated(past.slot, past.start + rows);
  }

  #row({ slot }: Sequence): string[] {
    const row = slot === undefined ? undefined : this.kv[slot];
    if (!row) throw new Error('The sequence has no slot.');
    return row;
  }

  #checkPrompt(sequence: Sequence): void {
    const { keys, prefilled } = sequence;
    const wanted = Array.from({ length: prefilled }, (_, i) => stateOf(keys.slice(0, i + 1), true));
    expect(this.#row(sequence).slice(0, prefilled)).toEqual(wanted);
  }

  #checkAnswer(sequence: Sequence): void {
    this.#checkPrompt(sequence);
    const { keys, generated } = sequence;
    const wanted = generated.map((_, i) => stateOf([...keys, ...generated.slice(0, i + 1)], false));
    expect(this.#row(sequence).slice(keys.length, keys.length + generated.length)).toEqual(wanted);
  }

  #advance(sequence: Sequence): void {
    if (!sequence.ended) sequence.push({ kind: 'token', id: tokenAfter(idsOf(sequence)) });
  }
}

const idsOf = ({ prompt, generated }: Sequence): number[] => [
  ...prompt.filter((position) => typeof position === 'number'),
  ...generated,
];

const round = (model: SymbolicModel, nowMs = 0, budget = 100): void => {
  model.scheduler.admit(nowMs);
  model.prefill(budget);
  model.decode();
};

describe('Scheduler', () => {
  it('keeps its promises for any course of requests, cancellations and steps', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 20 });
    const command = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('add' as const),
          ids,
          maxTokens: fc.integer({ min: 1, max: 20 }),
          priority: fc.integer({ min: 0, max: 1 }),
          tenant: fc.constantFrom('a', 'b'),
          patienceMs: fc.option(fc.integer({ min: 0, max: 30 }), { freq: 4 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }) },
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('round' as const), budget: fc.integer({ min: 2, max: 30 }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(command, { minLength: 20, maxLength: 120 }), (commands) => {
        const scheduler = new Scheduler(OPTIONS);
        const model = new SymbolicModel(scheduler);
        const all: Sequence[] = [];
        const admitted: Sequence[] = [];
        let ends = 0;
        let refused = 0;
        const runOnce = (nowMs: number, budget: number): void => {
          scheduler.admit(nowMs);
          const running = scheduler.running;
          expect(new Set(running.map(({ slot }) => slot)).size).toBe(running.length);
          for (const sequence of running) {
            expect(scheduler.occupants[sequence.slot ?? -1]).toBe(sequence);
            expect(sequence.need).toBeLessThanOrEqual(CAPACITY);
            if (!admitted.includes(sequence)) admitted.push(sequence);
          }
          // Nobody waits while a slot is free.
          expect(scheduler.waiting === 0 || running.length === OPTIONS.slots).toBe(true);
          // A lone last position goes along.
          expect(model.prefill(budget)).toBeLessThanOrEqual(budget + 1);
          model.decode();
          if (scheduler.running.length === 0) model.consolidate();
        };
        for (const [nowMs, each] of commands.entries()) {
          if (each.kind === 'add') {
            const deadline = each.patienceMs === null ? {} : { deadlineMs: nowMs + each.patienceMs };
            const sequence = sequenceOf({ ...each, ...deadline }, nowMs, () => ends++);
            const full = scheduler.waiting + scheduler.running.filter((other) => !other.ended).length >= 9;
            if (full) {
              expect(() => scheduler.add(sequence)).toThrow(EideticError);
              refused++;
            } else {
              scheduler.add(sequence);
              all.push(sequence);
            }
          } else if (each.kind === 'cancel') {
            const alive = all.filter(({ ended }) => !ended);
            const left = alive[each.pick % Math.max(1, alive.length)];
            left?.fail(new EideticError('cancelled', 'The caller left.'));
            if (left) scheduler.remove(left);
          } else {
            runOnce(nowMs, each.budget);
          }
        }
        for (let nowMs = commands.length; scheduler.running.length > 0 || scheduler.waiting > 0; nowMs++) {
          expect(nowMs).toBeLessThan(10_000);
          runOnce(nowMs, 10);
        }
        // Every request ended once, and got the tokens that it would have got alone, as far as it came.
        expect(ends).toBe(all.length);
        expect(refused + all.length).toBe(commands.filter(({ kind }) => kind === 'add').length);
        for (const sequence of all) {
          const alone: number[] = idsOf(sequence).slice(0, sequence.prompt.length);
          for (const id of sequence.generated) {
            expect(id).toBe(tokenAfter(alone));
            alone.push(id);
          }
        }
        // First come, first served among those of one priority and tenant.
        for (const priority of [0, 1]) {
          for (const tenant of ['a', 'b']) {
            const order = admitted
              .filter((each) => each.priority === priority && each.tenant === tenant)
              .sort((a, b) => a.admission - b.admission);
            expect(order).toEqual(all.filter((each) => order.includes(each)));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('computes a prompt once for all that come with it at the same time', () => {
    const model = new SymbolicModel(new Scheduler(OPTIONS));
    const ids = Array.from({ length: 20 }, (_, i) => i);
    for (let i = 0; i < 3; i++) model.scheduler.add(sequenceOf({ ids }));
    model.scheduler.admit(0);
    let computed = 0;
    for (let i = 0; i < 10; i++) computed += model.prefill(100);
    // Two positions of each of the others are computed anew.
    expect(computed).toBe(20 + 2 + 2);
    expect(model.scheduler.running.map(({ cached }) => cached)).toEqual([0, 18, 18]);
  });

  it('computes a short prompt before the rest of a long one, and no number of short ones holds the long one up for ever', () => {
    const model = new SymbolicModel(new Scheduler(OPTIONS));
    const idsFrom = (first: number, length: number): number[] => Array.from({ length }, (_, i) => first + i);
    const long = sequenceOf({ ids: idsFrom(100, 32) });
    model.scheduler.add(long);
    model.scheduler.admit(0);
    model.prefill(4);
    for (let done = 4; done < 32; done += 4) {
      const short = sequenceOf({ ids: idsFrom(1000 * done, 3), maxTokens: 1 });
      model.scheduler.add(short);
      model.scheduler.admit(0);
      model.prefill(4);
      expect([short.ended, long.prefilled]).toEqual([true, done]);
      model.prefill(4);
      expect(long.prefilled).toBe(done + 4);
    }
  });

  it('goes on in the slot of the dialog that a prompt continues, and copies from one that is in use', () => {
    const model = new SymbolicModel(new Scheduler(OPTIONS));
    const first = sequenceOf({ ids: [1, 2, 3, 4, 5, 6], maxTokens: 4 });
    model.scheduler.add(first);
    for (let i = 0; i < 5; i++) round(model);
    for (let i = 0; i < 5; i++) model.consolidate();
    const turn = [1, 2, 3, 4, 5, 6, ...first.generated, 6, 5, 4];
    const [second, third] = [sequenceOf({ ids: turn, maxTokens: 9 }), sequenceOf({ ids: turn, maxTokens: 9 })];
    model.scheduler.add(second);
    round(model);
    expect(second).toMatchObject({ slot: first.slot, cached: 10 });
    model.scheduler.add(third);
    for (let i = 0; i < 3; i++) round(model);
    expect(third.slot).not.toBe(second.slot);
    expect(third.cached).toBe(turn.length - 2);
  });

  it('gives up the dialog that is cheapest to compute again, unless it was used since', () => {
    const model = new SymbolicModel(new Scheduler({ ...OPTIONS, slots: 2 }));
    const run = (ids: readonly number[]): Sequence => {
      const sequence = sequenceOf({ ids, maxTokens: 1 });
      model.scheduler.add(sequence);
      while (!sequence.ended) round(model);
      return sequence;
    };
    const long = Array.from({ length: 30 }, (_, i) => i);
    run(long);
    run([50, 51, 52, 53, 54]);
    run([60, 61, 62, 63, 64]);
    // The long one, although it was used first, is still there; the first of the short ones is not.
    expect(run(long).cached).toBe(28);
    expect(run([50, 51, 52, 53, 54]).cached).toBe(0);
    // What is never used again leaves in the end, however expensive it was.
    for (let i = 0; i < 20; i++) run([70, 71, 72, 73, 74, i + 100].toReversed());
    expect(run(long).cached).toBe(0);
  });

  it('ends what is past its deadline, waiting or running, and says which', () => {
    const model = new SymbolicModel(new Scheduler({ ...OPTIONS, slots: 1 }));
    const failures: unknown[] = [];
    const watch = async (sequence: Sequence): Promise<void> => {
      try {
        await Array.fromAsync(sequence.events());
      } catch (error) {
        failures.push(error);
      }
    };
    const running = sequenceOf({ maxTokens: 20, deadlineMs: 50 });
    const waiting = sequenceOf({ deadlineMs: 40 });
    for (const sequence of [running, waiting]) model.scheduler.add(sequence);
    const watched = [watch(running), watch(waiting)];
    for (let nowMs = 39; nowMs < 51; nowMs += 1) round(model, nowMs);
    expect([running.ended, waiting.ended]).toEqual([true, true]);
    expect(model.scheduler.running).toEqual([]);
    return Promise.all(watched).then(() => {
      expect(failures).toMatchObject([
        { code: 'deadline_exceeded', message: expect.stringMatching(/while it waited/) },
        { code: 'deadline_exceeded', message: expect.stringMatching(/after 12 tokens/) },
      ]);
    });
  });

  it('runs over slots that are near each other at once, and leaves out long gaps', () => {
    const model = new SymbolicModel(new Scheduler({ ...OPTIONS, slots: 8, maxWaiting: 8 }));
    const sequences = Array.from({ length: 8 }, (_, i) => sequenceOf({ ids: [i, i, i], maxTokens: 30 }));
    for (const sequence of sequences) model.scheduler.add(sequence);
    round(model);
    const leave = (slots: readonly number[]): void => {
      for (const slot of slots) model.scheduler.occupants[slot]?.fail(new EideticError('cancelled', ''));
    };
    leave([1]);
    expect(model.scheduler.decodeRanges()).toEqual([{ first: 0, count: 8 }]);
    leave([3, 4, 5]);
    expect(model.scheduler.decodeRanges()).toEqual([
      { first: 0, count: 3 },
      { first: 6, count: 2 },
    ]);
  });
});
