import { type ResidentPrefix, sharedPositions } from './resident-prefix.ts';
import type { Sequence } from './sequence.ts';

/** Who holds which slot of the KV cache, and what earlier sequences left in the free ones. */
export class SlotTable {
  readonly #capacity: number;
  readonly #occupants: (Sequence | undefined)[];
  readonly #residents: (ResidentPrefix | undefined)[];
  #admissions = 0;

  /** `slots` slots of `capacity` positions. */
  constructor(slots: number, capacity: number) {
    this.#capacity = capacity;
    this.#occupants = new Array(slots).fill(undefined);
    this.#residents = new Array(slots).fill(undefined);
  }

  /** By slot. */
  get occupants(): readonly (Sequence | undefined)[] {
    return this.#occupants;
  }

  /** Positions of a free slot that are worth keeping. */
  resident(slot: number): number {
    return this.#residents[slot]?.keys.length ?? 0;
  }

  /** Frees the slots of ended sequences and gives free ones to those that wait longest, taking them off the list. */
  admit(waiting: Sequence[]): void {
    for (const [slot, sequence] of this.#occupants.entries()) {
      if (!sequence?.ended) continue;
      const { keys, prefilled, ropeOffset, admission } = sequence;
      // The last place of a slot is where rows that sit a step out write.
      const kept = keys.slice(0, Math.min(prefilled, this.#capacity - 1));
      this.#residents[slot] = { keys: kept, ropeOffset, admission };
      this.#occupants[slot] = undefined;
    }
    while (this.#occupants.includes(undefined)) {
      const next = waiting.shift();
      if (!next) return;
      if (!next.ended) this.#place(next);
    }
  }

  /**
   * Gives a sequence the free slot that holds most of its prompt, if that is most of what the slot holds: a system prompt that all
   * dialogs share is not worth another dialog's state. Otherwise an empty slot, then the longest unused.
   */
  #place(sequence: Sequence): void {
    let best: { slot: number; shared: number; gain: number; admission: number } | undefined;
    for (const [slot, occupant] of this.#occupants.entries()) {
      if (occupant) continue;
      const resident = this.#residents[slot];
      const shared = sharedPositions(resident, sequence.keys, sequence.ropeOffset);
      const gain = 2 * shared > (resident?.keys.length ?? 0) ? shared : 0;
      const admission = resident?.admission ?? -1;
      if (best && (gain < best.gain || (gain === best.gain && admission >= best.admission))) continue;
      best = { slot, shared, gain, admission };
    }
    if (!best) return;
    sequence.slot = best.slot;
    sequence.cached = best.shared;
    sequence.prefilled = best.shared;
    sequence.admission = this.#admissions++;
    this.#residents[best.slot] = undefined;
    this.#occupants[best.slot] = sequence;
  }
}
