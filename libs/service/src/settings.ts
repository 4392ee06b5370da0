import { type ConfigDefinition, duration, oneOf } from '@eidetic/config';
import { LOG_LEVELS, TRACE_SETTINGS } from '@eidetic/telemetry';

/** How the process of a service ends, and what it tells meanwhile. */
export const PROCESS_SETTINGS = {
  drainLimitMs: {
    name: 'EIDETIC_DRAIN_LIMIT',
    description: 'Longest time that running answers get to end after SIGTERM or SIGINT.',
    kind: duration(),
    default: '30s',
  },
  logLevel: {
    name: 'EIDETIC_LOG_LEVEL',
    description: 'Least severe messages that are logged to standard output, as JSON.',
    kind: oneOf(LOG_LEVELS),
    default: 'info',
  },
  ...TRACE_SETTINGS,
} as const satisfies ConfigDefinition;
