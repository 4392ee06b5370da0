import { LRUCache } from 'lru-cache';

/** Values by key, bounded by the bytes that they hold. */
export interface ByteLru<Value extends object> {
  /** The value, which thereby was used last. */
  get(key: string): Value | undefined;
  /** Whether it is kept. */
  set(key: string, value: Value): boolean;
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Keeps at most `maxBytes`, the least recently used leave first. A value larger than `maxBytes` is not kept, and with 0 none is.
 *
 * @param bytesOf the memory that a value holds; a value of 0 bytes counts as one.
 */
export function createByteLru<Value extends object>(
  maxBytes: number,
  bytesOf: (value: Value) => number,
): ByteLru<Value> {
  // lru-cache takes no 0, neither as a bound nor as a size.
  const lru = new LRUCache<string, Value>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (value) => Math.max(1, bytesOf(value)),
  });
  return {
    get: (key) => lru.get(key),
    set: (key, value) => lru.set(key, value).has(key),
    get entries() {
      return lru.size;
    },
    get bytes() {
      return lru.calculatedSize;
    },
  };
}
