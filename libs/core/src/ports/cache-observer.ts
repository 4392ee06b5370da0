/** How a look-up ended; whatever is not `hit` is a miss for the caller. */
export type CacheReadOutcome =
  | 'hit'
  | 'miss'
  /** The value does not have its checksum, or its bytes not the hash that it is known by. */
  | 'corrupt'
  /** The value is not one of ours: another format or version, or made for another key. */
  | 'foreign'
  /** The answer did not come in time. */
  | 'timeout'
  /** Nobody was asked: there is no connection, or the last calls went unanswered. */
  | 'unavailable'
  /** The server answered with an error. */
  | 'refused';

/** How a write ended; whatever is not `stored` is a later miss. */
export type CacheWriteOutcome =
  | 'stored'
  /** Larger than the cache, or too many bytes are on their way already. */
  | 'dropped'
  /** The server has no memory left and may not evict. */
  | 'full'
  | 'timeout'
  | 'unavailable'
  | 'refused';

/** Told of every look-up and write of one cache as it ends, for metrics. It must be quick and must not throw. */
export interface CacheObserver {
  read(call: { readonly outcome: CacheReadOutcome; readonly durationMs: number }): void;
  write(call: { readonly outcome: CacheWriteOutcome; readonly durationMs: number }): void;
}
