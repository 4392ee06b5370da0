import type { Random } from './random.ts';

/** How a simulated cache is bounded. */
export interface CacheOptions {
  /** Entries that fit. All are of one size: bytes over the bytes of an entry. */
  readonly capacity: number;
  /** `lfu` is what Redis does as allkeys-lfu: counters that grow by logarithm and decay, the least of five that are drawn goes. */
  readonly policy: 'lru' | 'lfu';
  /** Time after the last use in which an entry is forgotten. */
  readonly ttlMs: number;
}

interface Entry {
  readonly key: number;
  place: number;
  usedMs: number;
  /** Logarithmic counter of uses, and when it was last taken down. */
  counter: number;
  decayedMs: number;
}

/** Redis' defaults: lfu-log-factor, lfu-decay-time, the counter of a new key, maxmemory-samples. */
const LFU = { logFactor: 10, decayMs: 60_000, initial: 5, samples: 5 };

/** Keys of embeddings in a store of bounded size. */
export class EmbeddingCache {
  readonly #options: CacheOptions;
  readonly #random: Random;
  /** The least recently used first. */
  readonly #entries = new Map<number, Entry>();
  /** The same in no order, to draw from. */
  readonly #drawn: Entry[] = [];

  constructor(options: CacheOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether a key is there; that is a use of it. */
  get(key: number, nowMs: number): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    if (nowMs - entry.usedMs > this.#options.ttlMs) {
      this.#remove(entry);
      return false;
    }
    this.#decay(entry, nowMs);
    const odds = 1 / (Math.max(0, entry.counter - LFU.initial) * LFU.logFactor + 1);
    if (entry.counter < 255 && this.#random.uniform() < odds) entry.counter++;
    entry.usedMs = nowMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return true;
  }

  /** Puts a key in, and others out where there is no room. */
  set(key: number, nowMs: number): void {
    if (this.#options.capacity < 1 || this.get(key, nowMs)) return;
    while (this.#entries.size >= this.#options.capacity) this.#remove(this.#victim(nowMs));
    const entry = { key, place: this.#drawn.length, usedMs: nowMs, counter: LFU.initial, decayedMs: nowMs };
    this.#entries.set(key, entry);
    this.#drawn.push(entry);
  }

  #victim(nowMs: number): Entry {
    const [oldest] = this.#entries.values();
    if (!oldest) throw new Error('An empty cache has nothing to give up.');
    if (this.#options.policy === 'lru' || nowMs - oldest.usedMs > this.#options.ttlMs) return oldest;
    let victim: Entry | undefined;
    for (let i = 0; i < LFU.samples; i++) {
      const entry = this.#drawn[this.#random.below(this.#drawn.length)];
      if (!entry) continue;
      this.#decay(entry, nowMs);
      if (!victim || entry.counter < victim.counter) victim = entry;
    }
    return victim ?? oldest;
  }

  #decay(entry: Entry, nowMs: number): void {
    const periods = Math.floor((nowMs - entry.decayedMs) / LFU.decayMs);
    entry.counter = Math.max(0, entry.counter - periods);
    entry.decayedMs += periods * LFU.decayMs;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    const last = this.#drawn.pop();
    if (!last || last === entry) return;
    this.#drawn[entry.place] = last;
    last.place = entry.place;
  }
}
