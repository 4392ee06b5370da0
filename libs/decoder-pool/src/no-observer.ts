import type { DecoderPoolObserver } from '@eidetic/core';

/** Observes nothing. */
export const NO_OBSERVER: DecoderPoolObserver = {
  routed: () => undefined,
  attempted: () => undefined,
  prefilled: () => undefined,
  resumed: () => undefined,
  foreignModel: () => undefined,
};
