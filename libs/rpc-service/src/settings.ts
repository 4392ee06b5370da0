import { type Config, type ConfigDefinition, duration, integer, text } from '@eidetic/config';
import { PROCESS_SETTINGS } from '@eidetic/service';
import { GRPC_TLS_SETTINGS } from '@eidetic/tls';

const port = integer({ min: 0, max: 65_535 });

/** Where gRPC is spoken. `name` is what listens, in a sentence; the port is the default. */
export const grpcSettings = ({ name, grpcPort }: { readonly name: string; readonly grpcPort: string }) =>
  ({
    grpcPort: {
      name: 'EIDETIC_GRPC_PORT',
      description: `Port of the ${name}; 0 takes a free one.`,
      kind: port,
      default: grpcPort,
    },
    grpcHost: {
      name: 'EIDETIC_GRPC_HOST',
      description:
        'Address to listen on. Only this machine can reach the default; 0.0.0.0 lets in whoever reaches this machine: see docs/security.md first.',
      kind: text(),
      default: '127.0.0.1',
    },
    ...GRPC_TLS_SETTINGS,
  }) as const satisfies ConfigDefinition;

/** Where a service listens. `name` is what it is called in a sentence; the ports are its defaults. */
export const listenSettings = (service: {
  readonly name: string;
  readonly grpcPort: string;
  readonly httpPort: string;
}) =>
  ({
    ...grpcSettings(service),
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

/** How a service lives with its callers. */
export const CONNECTION_SETTINGS = {
  maxConnectionAgeMs: {
    name: 'EIDETIC_MAX_CONNECTION_AGE',
    description:
      'Age at which a gRPC connection is closed, once its calls have ended, so that clients look for new servers.',
    kind: duration(1),
    default: '1m',
  },
} as const satisfies ConfigDefinition;

/** How a service lives with its callers, and what it writes down. */
export const LIFE_SETTINGS = {
  ...CONNECTION_SETTINGS,
  ...PROCESS_SETTINGS,
} as const satisfies ConfigDefinition;

/** What {@link listenSettings} and {@link LIFE_SETTINGS} load into. */
export type RpcServiceConfig = Config<ReturnType<typeof listenSettings> & typeof LIFE_SETTINGS>;
