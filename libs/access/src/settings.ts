import { type Config, type ConfigDefinition, duration, integer, optional, text } from '@eidetic/config';

const limit = integer({ min: 0, max: 1_000_000_000 });

/** Who may ask, and how much. */
export const ACCESS_SETTINGS = {
  apiKeysFile: {
    name: 'EIDETIC_API_KEYS_FILE',
    description:
      'File of the API keys that may ask, by their hashes, one JSON object in a line; none: everyone may ask.',
    kind: optional(text()),
    default: 'none',
  },
  apiKeysIntervalMs: {
    name: 'EIDETIC_API_KEYS_INTERVAL',
    description: 'Time between two looks whether that file has changed.',
    kind: duration(1),
    default: '5s',
  },
  keyRequestsPerMinute: {
    name: 'EIDETIC_KEY_REQUESTS_PER_MINUTE',
    description: 'Most requests in a minute with a key of that file which does not say otherwise; 0: any number.',
    kind: limit,
    default: '0',
  },
  keyConcurrentRequests: {
    name: 'EIDETIC_KEY_CONCURRENT_REQUESTS',
    description:
      'Most requests under way at a time with a key of that file which does not say otherwise; 0: any number.',
    kind: limit,
    default: '0',
  },
} as const satisfies ConfigDefinition;

/** What {@link ACCESS_SETTINGS} load into. */
export type AccessConfig = Config<typeof ACCESS_SETTINGS>;
