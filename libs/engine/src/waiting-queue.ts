/** What the queue looks at. */
export interface Waiting {
  /** Higher goes first. */
  readonly priority: number;
  readonly tenant: string;
  /** Milliseconds. */
  readonly arrivedMs: number;
}

/** A computed prompt position counts 1, a generated token 2: the weights that the paper below measured with. */
export const SERVICE_WEIGHTS = { prompt: 1, generated: 2 } as const;

/**
 * Whose turn it is to get a slot. Higher priorities first; within one, the tenant that has had the least service (virtual token
 * counters: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024); within a tenant, first come, first
 * served. For every `agingMs` that the oldest request of a priority has waited, that priority counts as one higher, so that a
 * stream of urgent requests delays the others but never starves them.
 */
export class WaitingQueue<T extends Waiting> {
  readonly #agingMs: number;
  /** By priority, then by tenant. */
  readonly #levels = new Map<number, Map<string, T[]>>();
  /** Service that each tenant has had, in weighted tokens. */
  readonly #service = new Map<string, number>();
  /** Requests of each tenant, waiting and running. */
  readonly #present = new Map<string, number>();
  #size = 0;

  constructor(agingMs: number) {
    this.#agingMs = agingMs;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends a request to those of its priority and tenant. */
  add(item: T): void {
    this.#enter(item.tenant);
    const level = getOrMake(this.#levels, item.priority, () => new Map<string, T[]>());
    getOrMake(level, item.tenant, () => []).push(item);
    this.#size++;
  }

  /** Takes the request whose turn it is. It counts as present until `leave`. */
  take(nowMs: number): T | undefined {
    const priority = this.#nextPriority(nowMs);
    const level = priority === undefined ? undefined : this.#levels.get(priority);
    const tenant = level && this.#leastServed(level.keys());
    const item = tenant === undefined ? undefined : level?.get(tenant)?.[0];
    if (item) this.#drop(item);
    return item;
  }

  /** Takes out one that will not be served; false when it is not waiting. */
  remove(item: T): boolean {
    const found = this.#drop(item);
    if (found) this.leave(item.tenant);
    return found;
  }

  /** Counts work that was done for a tenant. */
  serve(tenant: string, service: number): void {
    this.#service.set(tenant, (this.#service.get(tenant) ?? 0) + service);
  }

  /** A request that was taken has ended. */
  leave(tenant: string): void {
    const others = (this.#present.get(tenant) ?? 1) - 1;
    if (others > 0) this.#present.set(tenant, others);
    else this.#present.delete(tenant);
    if (this.#present.size === 0) this.#service.clear();
  }

  /** All that wait, in no particular order. */
  *[Symbol.iterator](): Generator<T> {
    for (const level of this.#levels.values()) for (const items of level.values()) yield* items;
  }

  /** A tenant that comes back does not bring the turns along that it left unused: it starts level with the least served. */
  #enter(tenant: string): void {
    const present = this.#present.get(tenant) ?? 0;
    if (present === 0 && this.#present.size > 0) {
      const least = Math.min(...[...this.#present.keys()].map((other) => this.#service.get(other) ?? 0));
      for (const [other, service] of this.#service) {
        if (service <= least && !this.#present.has(other)) this.#service.delete(other);
      }
      this.#service.set(tenant, Math.max(this.#service.get(tenant) ?? 0, least));
    }
    this.#present.set(tenant, present + 1);
  }

  #nextPriority(nowMs: number): number | undefined {
    let best: { priority: number; aged: number } | undefined;
    for (const [priority, level] of this.#levels) {
      const oldestMs = Math.min(...[...level.values()].map(([first]) => first?.arrivedMs ?? nowMs));
      const aged = priority + Math.floor((nowMs - oldestMs) / this.#agingMs);
      if (best && (aged < best.aged || (aged === best.aged && priority < best.priority))) continue;
      best = { priority, aged };
    }
    return best?.priority;
  }

  #leastServed(tenants: Iterable<string>): string | undefined {
    let best: { tenant: string; service: number } | undefined;
    for (const tenant of tenants) {
      const service = this.#service.get(tenant) ?? 0;
      if (!best || service < best.service) best = { tenant, service };
    }
    return best?.tenant;
  }

  #drop(item: T): boolean {
    const level = this.#levels.get(item.priority);
    const items = level?.get(item.tenant);
    const place = items?.indexOf(item) ?? -1;
    if (!level || !items || place < 0) return false;
    items.splice(place, 1);
    if (items.length === 0) level.delete(item.tenant);
    if (level.size === 0) this.#levels.delete(item.priority);
    this.#size--;
    return true;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}
