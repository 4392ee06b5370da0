export { type LookUp, parseAddresses, type Resolve } from './addresses.ts';
export { callLeastLoaded, type RepeatOptions } from './call-least-loaded.ts';
export { outcomeOf } from './call-outcome.ts';
export { type Clock, SYSTEM_CLOCK } from './clock.ts';
export type { Connect } from './endpoint.ts';
export { type Candidate, EndpointSet, type EndpointSetOptions } from './endpoint-set.ts';
export type { CallOutcome, Lease } from './lease.ts';
export { leastRetryHint } from './least-retry-hint.ts';
export { DEFAULT_ENDPOINT_SETTINGS, type EndpointSettings } from './settings.ts';
