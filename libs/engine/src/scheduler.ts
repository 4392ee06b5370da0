import { EideticError, MeanStay } from '@eidetic/core';
import { chunkRows } from './prefix.ts';
import type { Sequence } from './sequence.ts';
import { type PrefixSource, SlotTable, type Unconsolidated } from './slot-table.ts';
import { SERVICE_WEIGHTS, WaitingQueue } from './waiting-queue.ts';

/** How a scheduler is set up. */
export interface SchedulerOptions {
  /** Sequences that run at the same time. */
  readonly slots: number;
  /** Positions of each. */
  readonly capacity: number;
  /** Sequences that may wait for a slot. */
  readonly maxWaiting: number;
  /** Wait after which a priority counts as one higher, in milliseconds. */
  readonly agingMs: number;
  /** Most positions that are copied from another slot at a time. */
  readonly copyRows: number;
  /** Idle slots between two active ones up to which one run over all of them is quicker than two. */
  readonly maxGap: number;
}

/** What comes next for one prompt: the state of some positions is copied, or computed. */
export type PrefillPart =
  | { readonly kind: 'copy'; readonly sequence: Sequence; readonly from: number; readonly end: number }
  | { readonly kind: 'compute'; readonly sequence: Sequence; readonly rows: number };

/** Neighbouring slots that one decode step runs over. */
export interface SlotRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Decides who runs and what comes next; pure bookkeeping, told the time. Admission is exact: a slot holds the longest sequence that
 * is accepted, so that what runs never has to give way to anybody (docs/decisions/0012-scheduling.md).
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waiting: WaitingQueue<Sequence>;
  readonly #stay = new MeanStay();
  readonly #slots: SlotTable;
  /** Whether the prompt that got its slot first gets the next part, since another had the last. */
  #firstIsDue = false;
  /** No deadline of those present is earlier: thousands may wait, and are not to be looked at in every step. */
  #soonestDeadlineMs = Number.POSITIVE_INFINITY;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#waiting = new WaitingQueue(options.agingMs);
    this.#slots = new SlotTable(options.slots, options.capacity);
  }

  /** Sequences that hold a slot. */
  get running(): readonly Sequence[] {
    return this.#slots.occupants.filter((sequence) => sequence !== undefined);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether some answer waits for its next token. */
  get decoding(): boolean {
    return this.#slots.occupants.some((sequence) => sequence?.decoding);
  }

  /** By slot. */
  get occupants(): readonly (Sequence | undefined)[] {
    return this.#slots.occupants;
  }

  /**
   * Queues a sequence.
   *
   * @throws EideticError `overloaded` when as many wait as may.
   */
  add(sequence: Sequence): void {
    const { slots, maxWaiting } = this.#options;
    const present = this.#waiting.size + this.running.filter(({ ended }) => !ended).length;
    if (present >= slots + maxWaiting) {
      throw new EideticError('overloaded', `${present - slots} requests are waiting already. Try again later.`, {
        details: this.#stay.hint(present),
      });
    }
    this.#waiting.add(sequence);
    this.#soonestDeadlineMs = Math.min(this.#soonestDeadlineMs, deadlineOf(sequence));
  }

  /** Forgets one that ended while it waited. */
  remove(sequence: Sequence): void {
    this.#waiting.remove(sequence);
  }

  /** Ends what is past its deadline, frees the slots of what has ended, and gives free slots to those whose turn it is. */
  admit(nowMs: number): void {
    if (nowMs >= this.#soonestDeadlineMs) this.#expire(nowMs);
    for (const sequence of this.running) {
      if (!sequence.ended) continue;
      this.#slots.release(sequence);
      this.#stay.ended(nowMs - sequence.arrivedMs);
      this.#waiting.leave(sequence.tenant);
    }
    while (!this.#slots.full) {
      const next = this.#waiting.take(nowMs);
      if (!next) return;
      if (next.ended) this.#waiting.leave(next.tenant);
      else this.#slots.place(next);
    }
  }

  /** Ends everything that waits or runs. */
  failAll(error: EideticError): void {
    for (const sequence of [...this.running, ...this.#waiting]) sequence.fail(error);
  }

  /**
   * The next part of a prompt, of at most `rows` computed positions. Of the prompts that are not done, the one that lacks least and the one
   * that got its slot first take turns: a short question does not wait for other people's pictures, and nothing that keeps coming can hold
   * up a long prompt for more than as long again.
   */
  nextPrefill(rows: number): PrefillPart | undefined {
    const prompts = this.#unfinishedPrompts();
    const sequence = this.#firstIsDue ? prompts[0] : prompts.toSorted((a, b) => lacking(a) - lacking(b))[0];
    if (!sequence) return undefined;
    const source = this.#slots.source(sequence);
    if (source) return this.#copy(sequence, source);
    return { kind: 'compute', sequence, rows: chunkRows(lacking(sequence), rows) };
  }

  /** A part was done. */
  prefilled(part: PrefillPart): void {
    const { sequence } = part;
    if (part.kind === 'compute') {
      this.#firstIsDue = sequence !== this.#unfinishedPrompts()[0];
      sequence.prefilled += part.rows;
      this.#waiting.serve(sequence.tenant, SERVICE_WEIGHTS.prompt * part.rows);
    } else {
      sequence.cached += part.end - sequence.prefilled;
      sequence.prefilled = part.end;
    }
  }

  /** Slots that the next decode step runs over, in as many runs as there are ranges. */
  decodeRanges(): SlotRange[] {
    const ranges: SlotRange[] = [];
    for (const [slot, sequence] of this.#slots.occupants.entries()) {
      if (!sequence?.decoding) continue;
      this.#waiting.serve(sequence.tenant, SERVICE_WEIGHTS.generated);
      const last = ranges.at(-1);
      if (last && slot - (last.first + last.count) <= this.#options.maxGap) {
        ranges[ranges.length - 1] = { first: last.first, count: slot + 1 - last.first };
      } else {
        ranges.push({ first: slot, count: 1 });
      }
    }
    return ranges;
  }

  /** Positions of a slot that a step which it sits out must not touch. */
  kept(slot: number): number {
    return this.#slots.kept(slot);
  }

  /** An answer that the next turn of its dialog will find only if it is computed again; worth doing when nothing else is. */
  unconsolidated(): Unconsolidated | undefined {
    return this.#slots.unconsolidated();
  }

  /** The positions of a free slot up to `end` are computed. */
  consolidated(slot: number, end: number): void {
    this.#slots.consolidated(slot, end);
  }

  /** Gives up an answer that cannot be computed. */
  abandon(slot: number): void {
    this.#slots.abandon(slot);
  }

  /** Whose prompts are not computed yet, in the order in which they got their slots. */
  #unfinishedPrompts(): readonly Sequence[] {
    return this.running
      .filter((sequence) => !sequence.ended && lacking(sequence) > 0)
      .sort((a, b) => a.admission - b.admission);
  }

  #expire(nowMs: number): void {
    this.#soonestDeadlineMs = Number.POSITIVE_INFINITY;
    for (const sequence of [...this.running, ...this.#waiting]) {
      if (sequence.ended) continue;
      const deadlineMs = deadlineOf(sequence);
      if (nowMs < deadlineMs) this.#soonestDeadlineMs = Math.min(this.#soonestDeadlineMs, deadlineMs);
      else sequence.fail(late(sequence));
    }
  }

  #copy(sequence: Sequence, { slot, positions }: PrefixSource): PrefillPart {
    const end = Math.min(positions, sequence.prefilled + this.#options.copyRows);
    return { kind: 'copy', sequence, from: slot, end };
  }
}

/** Positions of its prompt that are not there yet. */
const lacking = ({ prompt, prefilled }: Sequence): number => prompt.length - prefilled;

const deadlineOf = ({ request }: Sequence): number => request.deadlineMs ?? Number.POSITIVE_INFINITY;

function late({ slot, generated }: Sequence): EideticError {
  const where = slot === undefined ? 'while it waited for a slot' : `after ${generated.length} tokens`;
  return new EideticError('deadline_exceeded', `The request's deadline passed ${where}.`);
}
