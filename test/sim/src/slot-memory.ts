import type { ServiceTimes } from './service-times.ts';
import type { Turn } from './turn.ts';

interface Slot {
  turn: Turn | undefined;
  isBusy: boolean;
  /** Positions whose state others may use. */
  computed: number;
  /** Tokens of the answer that were only decoded: they are computed again before they are used. */
  unconsolidated: number;
  /** When it is worth giving up: positions, on top of the credit of the slot given up last (GreedyDual). */
  credit: number;
  lastUse: number;
}

/** Positions that are computed in any case. */
const LEAST_COMPUTED = 2;

/** What the slots of a decoder hold, as libs/engine/src/slot-table.ts keeps it: by dialog and picture here, and not by token. */
export class SlotMemory {
  readonly #slots: readonly Slot[];
  #inflation = 0;
  #uses = 0;

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, () => {
      return { turn: undefined, isBusy: false, computed: 0, unconsolidated: 0, credit: 0, lastUse: 0 };
    });
  }

  /** Chooses a free slot: the dialog's own, else an empty one, else the one that is worth least. There must be one. */
  place(turn: Turn): number {
    let chosen: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot.isBusy) continue;
      if (slot.turn?.dialog === turn.dialog) {
        chosen = slot;
        break;
      }
      if (!chosen || slot.credit < chosen.credit) chosen = slot;
    }
    if (!chosen) throw new Error('There is no free slot.');
    const kept = sharedWith(chosen, turn);
    if (chosen.turn && kept === 0) this.#inflation = Math.max(this.#inflation, chosen.credit);
    Object.assign(chosen, { turn, isBusy: true, computed: kept, unconsolidated: 0, lastUse: ++this.#uses });
    return this.#slots.indexOf(chosen);
  }

  /** Positions of a prompt whose state is in its slot, or can be copied there. */
  reuse(slot: number, turn: Turn): number {
    const own = Math.min(this.#slots[slot]?.computed ?? 0, turn.promptTokens - LEAST_COMPUTED);
    return this.#slots.reduce((most, other, i) => Math.max(most, i === slot ? 0 : sharedWith(other, turn)), own);
  }

  /** The prompt in a slot is computed. */
  computed(slot: number): void {
    const held = this.#slots[slot];
    if (held?.turn) held.computed = held.turn.promptTokens;
  }

  release(slot: number): void {
    const held = this.#slots[slot];
    if (!held?.turn) return;
    held.isBusy = false;
    held.unconsolidated = held.turn.answerTokens;
    held.credit = this.#inflation + held.computed;
  }

  /** Nothing else was to do for so long: past answers are computed, the youngest first. */
  consolidate(idleMs: number, { prefillMs }: ServiceTimes): void {
    let leftMs = idleMs;
    for (;;) {
      let youngest: Slot | undefined;
      for (const slot of this.#slots) {
        if (slot.unconsolidated > 0 && (!youngest || slot.lastUse > youngest.lastUse)) youngest = slot;
      }
      if (!youngest) return;
      const { computed, unconsolidated } = youngest;
      const costMs = prefillMs(computed, computed + unconsolidated);
      if (costMs > leftMs) return;
      leftMs -= costMs;
      youngest.computed += unconsolidated;
      youngest.credit += unconsolidated;
      youngest.unconsolidated = 0;
    }
  }
}

const sharedWith = ({ turn: held, computed }: Slot, turn: Turn): number => {
  if (!held) return 0;
  if (held.dialog === turn.dialog) return Math.min(computed, turn.promptTokens - LEAST_COMPUTED);
  const alike = held.picture !== undefined && held.picture === turn.picture ? turn.pictureEnd : turn.systemTokens;
  return Math.min(computed, alike);
};
