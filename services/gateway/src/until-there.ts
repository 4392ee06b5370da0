import { setTimeout as delay } from 'node:timers/promises';
import { EideticError } from '@eidetic/core';

/** Time between two attempts to reach what is not there yet. */
const RETRY_MS = 1000;

/** Opens what may not be there yet. */
export const untilThere = async <T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (;;) {
    try {
      return await open();
    } catch (reason) {
      if (EideticError.from(reason).code !== 'unavailable') throw reason;
      signal.throwIfAborted();
      await delay(RETRY_MS, undefined, { signal });
    }
  }
};
