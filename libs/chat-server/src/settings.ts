import { ACCESS_SETTINGS } from '@eidetic/access';
import { BATCH_SETTINGS } from '@eidetic/batches';
import {
  type Config,
  type ConfigDefinition,
  duration,
  integer,
  list,
  optional,
  origin,
  size,
  text,
} from '@eidetic/config';
import { FILE_SETTINGS } from '@eidetic/files';
import { CONNECTION_SETTINGS, grpcSettings } from '@eidetic/rpc-service';
import { PROCESS_SETTINGS } from '@eidetic/service';
import { HTTP_TLS_SETTINGS } from '@eidetic/tls';

/** Where a chat server listens. */
export const HTTP_SETTINGS = {
  httpPort: {
    name: 'EIDETIC_HTTP_PORT',
    description: 'Port of the HTTP API, the web page, health and metrics; 0 takes a free one.',
    kind: integer({ min: 0, max: 65_535 }),
    default: '8080',
  },
  httpHost: {
    name: 'EIDETIC_HTTP_HOST',
    description:
      'Address to listen on. Only this machine can reach the default; 0.0.0.0 lets everyone in, to the API only with a key if there are keys (EIDETIC_API_KEYS_FILE).',
    kind: text(),
    default: '127.0.0.1',
  },
  ...HTTP_TLS_SETTINGS,
  corsOrigins: {
    name: 'EIDETIC_CORS_ORIGINS',
    description: 'Sites whose pages may use the HTTP API from a browser; none: only the page of this server.',
    kind: optional(list(origin())),
    default: 'none',
  },
  maxConnections: {
    name: 'EIDETIC_MAX_CONNECTIONS',
    description: 'Most HTTP connections at a time; more are closed at once.',
    kind: integer({ min: 1, max: 1_000_000 }),
    default: '4096',
  },
} as const satisfies ConfigDefinition;

/** The same for gRPC. */
export const GRPC_SETTINGS = {
  ...grpcSettings({ name: 'gRPC API', grpcPort: '50050' }),
  ...CONNECTION_SETTINGS,
} as const satisfies ConfigDefinition;

/** What a chat server takes, and how long it waits. */
export const REQUEST_SETTINGS = {
  maxImagesPerRequest: {
    name: 'EIDETIC_MAX_IMAGES',
    description: 'Most pictures in one request.',
    kind: integer({ min: 0, max: 1000 }),
    default: '8',
  },
  maxBodyBytes: {
    name: 'EIDETIC_MAX_BODY_SIZE',
    description: 'Largest request; pictures grow by a third in JSON.',
    kind: size(),
    default: '64MiB',
  },
  maxBodyBytesTogether: {
    name: 'EIDETIC_MAX_BODIES_SIZE',
    description: 'Memory for the requests that are being answered; what would exceed it is refused with status 429.',
    kind: size(),
    default: '512MiB',
  },
  requestDeadlineMs: {
    name: 'EIDETIC_REQUEST_DEADLINE',
    description: 'Longest time that a request may take to arrive, and from then to the end of its answer.',
    kind: duration(1),
    default: '5m',
  },
  heartbeatMs: {
    name: 'EIDETIC_STREAM_HEARTBEAT',
    description: 'Longest silence in a stream before a comment is sent that keeps proxies from closing it.',
    kind: duration(1),
    default: '15s',
  },
  ...ACCESS_SETTINGS,

  ...FILE_SETTINGS,
  ...BATCH_SETTINGS,
  ...PROCESS_SETTINGS,
} as const satisfies ConfigDefinition;

/** What all of them load into. */
export type ChatServerConfig = Config<typeof HTTP_SETTINGS & typeof GRPC_SETTINGS & typeof REQUEST_SETTINGS>;
