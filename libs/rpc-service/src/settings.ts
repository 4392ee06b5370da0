import { type Config, type ConfigDefinition, duration, integer, text } from '@eidetic/config';
import { PROCESS_SETTINGS } from '@eidetic/service';

const port = integer({ min: 0, max: 65_535 });

/** Where a service listens. `name` is what it is called in a sentence; the ports are its defaults. */
export const listenSettings = (service: {
  readonly name: string;
  readonly grpcPort: string;
  readonly httpPort: string;
}) =>
  ({
    grpcPort: {
      name: 'EIDETIC_GRPC_PORT',
      description: `Port of the ${service.name}; 0 takes a free one.`,
      kind: port,
      default: service.grpcPort,
    },
    grpcHost: {
      name: 'EIDETIC_GRPC_HOST',
      description:
        'Address to listen on. Only this machine can reach the default; 0.0.0.0 lets everyone in, and there are no passwords.',
      kind: text(),
      default: '127.0.0.1',
    },
    httpPort: {
      name: 'EIDETIC_HTTP_PORT',
      description: 'Port of health and metrics; 0 takes a free one.',
      kind: port,
      default: service.httpPort,
    },
    httpHost: {
      name: 'EIDETIC_HTTP_HOST',
      description: 'Address to listen on for health and metrics.',
      kind: text(),
      default: '127.0.0.1',
    },
  }) as const satisfies ConfigDefinition;

/** How a service lives with its callers, and what it writes down. */
export const LIFE_SETTINGS = {
  maxConnectionAgeMs: {
    name: 'EIDETIC_MAX_CONNECTION_AGE',
    description:
      'Age at which a connection is closed, once its calls have ended, so that clients look for new servers.',
    kind: duration(1),
    default: '1m',
  },
  ...PROCESS_SETTINGS,
} as const satisfies ConfigDefinition;

/** What {@link listenSettings} and {@link LIFE_SETTINGS} load into. */
export type RpcServiceConfig = Config<ReturnType<typeof listenSettings> & typeof LIFE_SETTINGS>;
