import type { EncodeQueueObserver } from '@eidetic/core';

/** Observes nothing. */
export const NO_OBSERVER: EncodeQueueObserver = {
  added: () => undefined,
  answered: () => undefined,
  dispatched: () => undefined,
  encoded: () => undefined,
  handled: () => undefined,
  retried: () => undefined,
  stalled: () => undefined,
  dropped: () => undefined,
  failed: () => undefined,
};
