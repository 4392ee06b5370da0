import { GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from '@eidetic/chat-server';
import { boolean, type Config, type ConfigDefinition, duration, integer, size, text } from '@eidetic/config';
import { SHARED_CACHE_SETTINGS } from '@eidetic/embedding-cache';
import { IMAGE_URL_SETTINGS } from '@eidetic/image-fetcher';
import { MODEL_SETTINGS } from '@eidetic/model-loader';
import { POD_TLS_SETTINGS } from '@eidetic/tls';

/** Every setting of the gateway. */
export const CONFIG_DEFINITION = {
  ...HTTP_SETTINGS,
  ...GRPC_SETTINGS,
  ...MODEL_SETTINGS,
  decoders: {
    name: 'EIDETIC_DECODERS',
    description:
      'Where the decoders are: host:port, several of them separated by commas, or dns:///host:port for a name with an address for each.',
    kind: text(),
    default: '127.0.0.1:50051',
  },
  visionEncoders: {
    name: 'EIDETIC_VISION_ENCODERS',
    description: 'Where the vision encoders are, written as for the decoders.',
    kind: text(),
    default: '127.0.0.1:50052',
  },
  resolveIntervalMs: {
    name: 'EIDETIC_RESOLVE_INTERVAL',
    description: 'Time between two look-ups of their names, by which new ones are found.',
    kind: duration(1),
    default: '5s',
  },
  ...POD_TLS_SETTINGS,
  podPatienceMs: {
    name: 'EIDETIC_POD_PATIENCE',
    description: 'Longest time that an answer whose decoder was lost waits for another one.',
    kind: duration(1),
    default: '30s',
  },
  visionPatienceMs: {
    name: 'EIDETIC_VISION_PATIENCE',
    description:
      'Longest time that a picture waits in the queue for a vision encoder when there is none; where they are scaled to none, longer than one takes to start.',
    kind: duration(1),
    default: '30s',
  },
  queueRedisUrl: {
    name: 'EIDETIC_QUEUE_REDIS_URL',
    description:
      'Redis of the queue of pictures to encode, as redis://user:password@host:port; its maxmemory-policy must be noeviction.',
    kind: text(),
    default: 'redis://127.0.0.1:6379',
    secret: true,
  },
  queuePrefix: {
    name: 'EIDETIC_QUEUE_PREFIX',
    description:
      'Of all names in that Redis, with a hash tag; the same for all gateways of a cluster, which keep the limits of API keys there as well.',
    kind: text(),
    default: '{eidetic}',
  },
  queuePatienceMs: {
    name: 'EIDETIC_QUEUE_PATIENCE',
    description:
      'Longest time that a picture waits for a queue whose Redis is away before it is encoded past the queue, maybe at several gateways.',
    kind: duration(1),
    default: '2s',
  },
  encodeLockMs: {
    name: 'EIDETIC_ENCODE_LOCK',
    description: 'Time after which the pictures of a gateway that died are taken over by another.',
    kind: duration(1000),
    default: '2s',
  },
  batchLockMs: {
    name: 'EIDETIC_BATCH_LOCK',
    description: 'Time after which the batches of a gateway that died are taken over by another.',
    kind: duration(1000),
    default: '30s',
  },
  encodeBatch: {
    name: 'EIDETIC_ENCODE_BATCH',
    description: 'Most pictures that go to a vision encoder at once.',
    kind: integer({ min: 1, max: 256 }),
    default: '8',
  },
  encodesInFlight: {
    name: 'EIDETIC_ENCODES_IN_FLIGHT',
    description: 'Most batches that this gateway has with vision encoders at the same time.',
    kind: integer({ min: 1, max: 256 }),
    default: '4',
  },
  encodeLingerMs: {
    name: 'EIDETIC_ENCODE_LINGER',
    description: 'Time that a batch which is not full waits for company although a vision encoder is free.',
    kind: duration(),
    default: '0ms',
  },
  cacheRedisUrl: {
    name: 'EIDETIC_CACHE_REDIS_URL',
    description:
      'Redis that holds uploaded pictures and their embeddings for all services, as redis://user:password@host:port.',
    kind: text(),
    default: 'redis://127.0.0.1:6380',
    secret: true,
  },
  ...SHARED_CACHE_SETTINGS,
  embeddingCacheBytes: {
    name: 'EIDETIC_EMBEDDING_CACHE_SIZE',
    description: 'Memory for the embeddings of pictures seen before.',
    kind: size(),
    default: '256MiB',
  },
  sharedPool: {
    name: 'EIDETIC_SHARED_POOL',
    description:
      "Whether tenants (told apart by their API keys) find each other's pictures by their ids, and share their embeddings.",
    kind: boolean(),
    default: 'false',
  },
  keyLeaseMs: {
    name: 'EIDETIC_KEY_LEASE',
    description:
      'Time after which the requests of a gateway that died no longer count as under way with their API keys.',
    kind: duration(1000),
    default: '15s',
  },
  maxRequests: {
    name: 'EIDETIC_MAX_REQUESTS',
    description: 'Requests that may be answered or wait at the same time; more are refused with status 429.',
    kind: integer({ min: 1, max: 100_000 }),
    default: '256',
  },
  ...REQUEST_SETTINGS,
  ...IMAGE_URL_SETTINGS,
} as const satisfies ConfigDefinition;

/** What the environment says. */
export type GatewayConfig = Config<typeof CONFIG_DEFINITION>;
