import type { EndpointObserver } from '@eidetic/core';

/** Observes nothing. */
export const NO_OBSERVER: EndpointObserver = {
  resolved: () => undefined,
  pods: () => undefined,
  hung: () => undefined,
  breaker: () => undefined,
};
