import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CallContext } from './call-context.ts';

/** Bounds of the time between two looks. */
const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 60_000;

/**
 * A value at first, then whenever it has changed; looks every `intervalMs`, of which 10 ms to a minute are taken. Throws the reason
 * for which the call ends, or the server drains.
 */
export async function* watchChanges<T>(
  read: () => T,
  intervalMs: number,
  { signal, draining }: CallContext,
): AsyncGenerator<T, never, undefined> {
  const ending = AbortSignal.any([signal, draining]);
  const pauseMs = Math.min(Math.max(intervalMs, MIN_INTERVAL_MS), MAX_INTERVAL_MS);
  let last: T | undefined;
  for (;;) {
    ending.throwIfAborted();
    const now = read();
    if (!isDeepStrictEqual(now, last)) yield now;
    last = now;
    // The abort is thrown above, as what it is.
    await delay(pauseMs, undefined, { signal: ending }).catch(() => {});
  }
}
