import { type PositionKey, type Prefix, sharedPositions } from './prefix.ts';
import type { Sequence } from './sequence.ts';

/** What an ended sequence left in its slot. */
interface Remains {
  readonly keys: PositionKey[];
  readonly ropeOffset: number;
  /** Ids of the answer that prefill has not computed: state of decode steps is not reused, since its last bits differ. */
  readonly answer: number[];
  /** When it is worth giving up: see `#place`. */
  credit: number;
  readonly admission: number;
}

/** Answer positions of a free slot that can be computed while nothing else is to do. */
export interface Unconsolidated {
  readonly slot: number;
  /** Position of the first of `ids`. */
  readonly start: number;
  readonly ropeOffset: number;
  readonly ids: readonly number[];
}

/** Where the start of a prompt lies already. */
export interface PrefixSource {
  readonly slot: number;
  readonly positions: number;
}

/**
 * Who holds which slot of the KV cache, and what earlier sequences left in the free ones. Whatever begins like a prompt is
 * found by comparing it with every slot: with 256 of them that is still far below the time of one step.
 */
export class SlotTable {
  readonly #capacity: number;
  readonly #occupants: (Sequence | undefined)[];
  readonly #remains: (Remains | undefined)[];
  #admissions = 0;
  /** Credit of the last remains that were given up. */
  #inflation = 0;

  /** `slots` slots of `capacity` positions. */
  constructor(slots: number, capacity: number) {
    this.#capacity = capacity;
    this.#occupants = new Array(slots).fill(undefined);
    this.#remains = new Array(slots).fill(undefined);
  }

  /** By slot. */
  get occupants(): readonly (Sequence | undefined)[] {
    return this.#occupants;
  }

  get full(): boolean {
    return !this.#occupants.includes(undefined);
  }

  /** Positions of a slot that must not be written to by a step that the slot sits out. */
  kept(slot: number): number {
    const occupant = this.#occupants[slot];
    // Where its next step writes, an answer that sits this one out has nothing yet.
    if (occupant?.sitsOut) return occupant.prompt.length + occupant.generated.length - 1;
    // The last place of a slot is where rows that sit a step out write.
    return Math.min(this.#prefix(slot)?.computed ?? 0, this.#capacity - 1);
  }

  /** Frees the slot of an ended sequence; what it computed stays. */
  release(sequence: Sequence): void {
    const { slot, keys, prefilled, generated, ropeOffset, admission } = sequence;
    if (slot === undefined || this.#occupants[slot] !== sequence) return;
    this.#occupants[slot] = undefined;
    const room = this.#capacity - 1;
    const kept = keys.slice(0, Math.min(prefilled, room));
    const answer = prefilled === keys.length ? generated.slice(0, room - kept.length) : [];
    // One position alone is never prefilled: the one before it goes along, and of that only a token is still at hand.
    if (answer.length === 1 && typeof kept.at(-1) !== 'number') answer.pop();
    this.#remains[slot] = { keys: kept, ropeOffset, answer, admission, credit: this.#inflation + kept.length };
  }

  /** Gives a sequence a slot. There must be a free one. */
  place(sequence: Sequence): void {
    const slot = this.#choose(sequence);
    const shared = this.#shared(slot, sequence);
    const remains = this.#remains[slot];
    if (remains && shared === 0) this.#inflation = Math.max(this.#inflation, remains.credit);
    this.#remains[slot] = undefined;
    this.#occupants[slot] = sequence;
    sequence.cached = shared;
    sequence.prefilled = shared;
    sequence.admitted(slot, this.#admissions++);
  }

  /** The other slot that holds most of a sequence's prompt, if that is more than the sequence's own slot does. */
  source(sequence: Sequence): PrefixSource | undefined {
    let best: PrefixSource | undefined;
    for (const slot of this.#occupants.keys()) {
      const positions = slot === sequence.slot ? 0 : this.#shared(slot, sequence);
      if (positions > (best?.positions ?? sequence.prefilled)) best = { slot, positions };
    }
    return best;
  }

  /** An answer that the next turn of its dialog will find only if it is computed again: the youngest. */
  unconsolidated(): Unconsolidated | undefined {
    let best: { slot: number; remains: Remains } | undefined;
    for (const [slot, remains] of this.#remains.entries()) {
      if (!remains || remains.answer.length === 0) continue;
      if (!best || remains.admission > best.remains.admission) best = { slot, remains };
    }
    if (!best) return undefined;
    const { keys, ropeOffset, answer } = best.remains;
    const again = answer.length === 1 ? keys.slice(-1).filter((key) => typeof key === 'number') : [];
    return { slot: best.slot, start: keys.length - again.length, ropeOffset, ids: [...again, ...answer] };
  }

  /** The positions of a free slot up to `end` are computed. */
  consolidated(slot: number, end: number): void {
    const remains = this.#remains[slot];
    if (!remains) return;
    const done = remains.answer.splice(0, end - remains.keys.length);
    remains.keys.push(...done);
    remains.credit += done.length;
  }

  /** Gives up an answer that cannot be computed. */
  abandon(slot: number): void {
    this.#remains[slot]?.answer.splice(0);
  }

  /**
   * A free slot: one that loses nothing by it, else an empty one, else one most of which goes on, else the one that
   * is worth least. Worth is recompute cost, in positions, on top of the credit of the slot given up last (GreedyDual: Young 1994;
   * Cao & Irani 1997), so that what is expensive stays longer and what is never used again leaves in the end.
   */
  #choose(sequence: Sequence): number {
    const free = [...this.#occupants.keys()].filter((slot) => !this.#occupants[slot]);
    const candidates = free.map((slot) => {
      const held = this.#remains[slot]?.keys.length ?? 0;
      return { slot, held, shared: this.#shared(slot, sequence), credit: this.#remains[slot]?.credit ?? 0 };
    });
    const longest = candidates.toSorted((a, b) => b.shared - a.shared);
    const lossless = longest.find(({ held, shared }) => held > 0 && shared >= held - 2);
    const empty = candidates.find(({ held }) => held === 0);
    const continued = longest.find(({ held, shared }) => 2 * shared > held);
    const cheapest = candidates.toSorted((a, b) => a.credit - b.credit)[0];
    const chosen = lossless ?? empty ?? continued ?? cheapest;
    if (!chosen) throw new Error('There is no free slot.');
    return chosen.slot;
  }

  #shared(slot: number, { keys, ropeOffset }: Sequence): number {
    const prefix = this.#prefix(slot);
    return prefix ? sharedPositions(prefix, keys, ropeOffset) : 0;
  }

  #prefix(slot: number): Prefix | undefined {
    const occupant = this.#occupants[slot];
    if (occupant) return { keys: occupant.keys, computed: occupant.prefilled, ropeOffset: occupant.ropeOffset };
    const remains = this.#remains[slot];
    return remains && { keys: remains.keys, computed: remains.keys.length, ropeOffset: remains.ropeOffset };
  }
}
