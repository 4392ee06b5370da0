interface Event {
  readonly atMs: number;
  /** Events of the same time happen in the order in which they were added. */
  readonly order: number;
  readonly happen: () => void;
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Simulated time: a heap of what will happen. */
export class Events {
  readonly #heap: Event[] = [];
  #order = 0;
  #nowMs = 0;

  /** Milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets something happen in so many milliseconds. */
  in(delayMs: number, happen: () => void): void {
    const event: Event = { atMs: this.#nowMs + delayMs, order: this.#order++, happen };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  /** Runs until nothing is left to happen, or only what is later than `untilMs`. */
  run(untilMs = Number.POSITIVE_INFINITY): void {
    for (let next = this.#heap[0]; next && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#removeFirst();
      this.#nowMs = next.atMs;
      next.happen();
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const less = right && left && isBefore(right, left) ? right : left;
      if (!less || !isBefore(less, last)) break;
      heap[at] = less;
      at = less === right ? 2 * at + 2 : 2 * at + 1;
    }
    heap[at] = last;
  }
}
