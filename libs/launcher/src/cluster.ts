import { freePorts } from './free-ports.ts';
import { RedisServer } from './redis-server.ts';
import { ServiceGroup } from './service-group.ts';
import type { ServiceProcess } from './service-process.ts';

/** On one machine pictures give way to answers that run; elsewhere they have machines of their own. */
const NICENESS = { gateway: 0, decoder: 0, vision: 10 } as const;

/** How many of what a cluster has, and how they are set up. */
export interface ClusterOptions {
  /** First port of each kind; the others follow. Without, each has some free port, and keeps it when it is restarted. */
  readonly ports?: {
    readonly gateway: number;
    readonly gatewayGrpc: number;
    readonly vision: number;
    readonly visionHttp: number;
    readonly decoder: number;
    readonly decoderHttp: number;
  };
  readonly gateways: number;
  readonly visionEncoders: number;
  readonly decoders: number;
  /** `EIDETIC_*` variables of all services, and of one kind only. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly gatewaySettings?: Readonly<Record<string, string>>;
  readonly visionSettings?: Readonly<Record<string, string>>;
  readonly decoderSettings?: Readonly<Record<string, string>>;
  /** Memory of the cache, as in redis.conf. */
  readonly cacheMemory?: string;
  /** Receives every line that a member writes for the person at the terminal, and with `log` every line of its log. */
  readonly onLine?: (member: string, line: string) => void;
  /** Whether the logs of the services are wanted. */
  readonly log?: boolean;
}

/** Two Redis servers, vision encoders, decoders and gateways on this machine, each a process of its own. */
export class Cluster implements AsyncDisposable {
  readonly queue: RedisServer;
  readonly cache: RedisServer;
  readonly gateways: readonly ServiceProcess[];
  readonly visionEncoders: readonly ServiceProcess[];
  readonly decoders: readonly ServiceProcess[];
  readonly #members: AsyncDisposableStack;

  private constructor(
    redis: { readonly queue: RedisServer; readonly cache: RedisServer },
    services: Pick<Cluster, 'gateways' | 'visionEncoders' | 'decoders'>,
    members: AsyncDisposableStack,
  ) {
    this.queue = redis.queue;
    this.cache = redis.cache;
    this.gateways = services.gateways;
    this.visionEncoders = services.visionEncoders;
    this.decoders = services.decoders;
    this.#members = members;
  }

  /**
   * Resolves once all gateways answer chats.
   *
   * @throws Error with what a member said that did not start.
   */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { settings, cacheMemory = '256mb', log = false } = options;
    const ports = await portsOf(options);
    await using members = new AsyncDisposableStack();
    const queue = members.use(await RedisServer.start({ appendonly: true, maxmemoryPolicy: 'noeviction' }));
    const cache = members.use(await RedisServer.start({ maxmemory: cacheMemory, maxmemoryPolicy: 'allkeys-lfu' }));
    const services = members.use(new ServiceGroup());
    const startAll = (
      name: 'gateway' | 'vision' | 'decoder',
      count: number,
      own: (i: number) => Readonly<Record<string, string>>,
    ): Promise<ServiceProcess[]> =>
      Promise.all(
        Array.from({ length: count }, (_, i) => {
          const onLine = (line: string): void => options.onLine?.(`${name} ${i + 1}`, line);
          const all = { EIDETIC_CACHE_REDIS_URL: cache.url, ...settings, ...own(i) };
          return services.start(name, { settings: all, onLine, log, niceness: NICENESS[name] });
        }),
      );
    const addresses = (of: readonly number[]): string => of.map((port) => `127.0.0.1:${port}`).join(',');
    const behind = await Promise.all([
      startAll('vision', options.visionEncoders, (i) => ({
        EIDETIC_HTTP_PORT: String(ports.visionHttp[i]),
        EIDETIC_GRPC_PORT: String(ports.vision[i]),
        ...options.visionSettings,
      })),
      startAll('decoder', options.decoders, (i) => ({
        EIDETIC_HTTP_PORT: String(ports.decoderHttp[i]),
        EIDETIC_GRPC_PORT: String(ports.decoder[i]),
        ...options.decoderSettings,
      })),
    ]);
    const gateways = await startAll('gateway', options.gateways, (i) => ({
      EIDETIC_HTTP_PORT: String(ports.gateway[i]),
      EIDETIC_GRPC_PORT: String(ports.gatewayGrpc[i]),
      EIDETIC_QUEUE_REDIS_URL: queue.url,
      EIDETIC_VISION_ENCODERS: addresses(ports.vision),
      EIDETIC_DECODERS: addresses(ports.decoder),
      ...options.gatewaySettings,
    }));
    const [visionEncoders, decoders] = behind;
    return new Cluster({ queue, cache }, { gateways, visionEncoders, decoders }, members.move());
  }

  /** Where Prometheus reads metrics: `host:port` of each process, by its kind. */
  get metricsTargets(): Readonly<Record<'gateway' | 'vision' | 'decoder', readonly string[]>> {
    const targets = (services: readonly ServiceProcess[]): readonly string[] =>
      services.map(({ http }) => new URL(http).host);
    return {
      gateway: targets(this.gateways),
      vision: targets(this.visionEncoders),
      decoder: targets(this.decoders),
    };
  }

  /** Ends all members, whatever they are at. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#members.disposeAsync();
  }
}

/** The ports of each gateway, vision encoder and decoder. */
async function portsOf({ ports, gateways, visionEncoders, decoders }: ClusterOptions) {
  const free = ports ? [] : [...(await freePorts(2 * (gateways + visionEncoders + decoders)))];
  const take = (count: number, first: number | undefined): readonly number[] =>
    first === undefined ? free.splice(0, count) : Array.from({ length: count }, (_, i) => first + i);
  return {
    gateway: take(gateways, ports?.gateway),
    gatewayGrpc: take(gateways, ports?.gatewayGrpc),
    vision: take(visionEncoders, ports?.vision),
    visionHttp: take(visionEncoders, ports?.visionHttp),
    decoder: take(decoders, ports?.decoder),
    decoderHttp: take(decoders, ports?.decoderHttp),
  };
}
