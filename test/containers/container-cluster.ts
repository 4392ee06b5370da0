import {
  GenericContainer,
  getContainerRuntimeClient,
  ImageName,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import manifest from '../../package.json' with { type: 'json' };
import { buildRedisImage } from './redis-image.ts';

const HTTP_PORT = 8080;
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

/** Names on the cluster's network; that of a kind of service has the address of each of them. */
const SETTINGS = {
  EIDETIC_THREADS: '1',
  EIDETIC_HTTP_PORT: String(HTTP_PORT),
  EIDETIC_CACHE_REDIS_URL: 'redis://cache:6379',
};
const GRPC = { EIDETIC_GRPC_PORT: '50050' };
const GATEWAY = {
  EIDETIC_QUEUE_REDIS_URL: 'redis://queue:6379',
  EIDETIC_VISION_ENCODERS: 'dns:///vision:50050',
  EIDETIC_DECODERS: 'dns:///decoder:50050',
  EIDETIC_SHARED_POOL: 'true',
  EIDETIC_ENCODE_LOCK: '1s',
  // As often as a test looks.
  EIDETIC_RESOLVE_INTERVAL: '500ms',
};

// Half of the requests of a test may wait at one of them.
const OWN = { gateway: GATEWAY, vision: GRPC, decoder: { ...GRPC, EIDETIC_MAX_WAITING: '256' } } as const;

type Kind = keyof typeof OWN;

// What would clean up after a killed test is an image of its own, which may not be here and is not fetched.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';

const imageOf = (kind: Kind): string => `eidetic-${kind}:${process.env.EIDETIC_IMAGE_TAG ?? manifest.version}`;

/** Why no cluster of containers can be started here; undefined: one can. */
export const whatIsMissing = async (): Promise<string | undefined> => {
  try {
    const { image } = await getContainerRuntimeClient();
    const built = await Promise.all(
      (Object.keys(OWN) as Kind[]).map((kind) => image.exists(ImageName.fromString(imageOf(kind)))),
    );
    return built.includes(false) ? 'there are no images: run `make images`' : undefined;
  } catch {
    return 'no container engine answers';
  }
};

/** With the rights that the chart gives it: none, and nothing to write to but memory and the folder for bundles. */
class RestrictedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withUser('65532:65532')
      .withTmpFs({ '/tmp': 'size=64m', '/var/cache/eidetic': 'size=512m,uid=65532,gid=65532' });
  }
}

/** A service in a container. */
export class ContainerService {
  readonly #container: StartedTestContainer;
  readonly #network: StartedNetwork;
  readonly #kind: Kind;

  constructor(kind: Kind, container: StartedTestContainer, network: StartedNetwork) {
    this.#kind = kind;
    this.#container = container;
    this.#network = network;
  }

  /** URL of the API, or of health and metrics. */
  get http(): string {
    return `http://${this.#container.getHost()}:${this.#container.getMappedPort(HTTP_PORT)}`;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const { container } = await getContainerRuntimeClient();
    await container.getById(this.#container.getId()).kill();
  }

  /** Lets it finish what it is at. */
  async stop(): Promise<void> {
    await this.#container.stop({ timeout: STOP_TIMEOUT_MS });
  }

  /** Pulls its cable: whatever is sent to it or by it is lost, and nobody is told. */
  async disconnect(): Promise<void> {
    const { network } = await getContainerRuntimeClient();
    await network.getById(this.#network.getId()).disconnect({ Container: this.#container.getId(), Force: true });
  }

  /** Undoes {@link disconnect}; it gets an address again, maybe another one. */
  async connect(): Promise<void> {
    const { container, network } = await getContainerRuntimeClient();
    const own = container.getById(this.#container.getId());
    await container.connectToNetwork(own, network.getById(this.#network.getId()), [this.#kind]);
  }
}

/** Redis for the queue, Redis for the caches, and services that find each other by name, each in a container of its own. */
export class ContainerCluster implements AsyncDisposable {
  readonly #network: StartedNetwork;
  readonly #members: AsyncDisposableStack;

  private constructor(network: StartedNetwork, members: AsyncDisposableStack) {
    this.#network = network;
    this.#members = members;
  }

  /** Resolves once both Redis servers answer; services are added with {@link add}. */
  static async start(): Promise<ContainerCluster> {
    const image = await buildRedisImage();
    await using members = new AsyncDisposableStack();
    const network = await new Network().start();
    members.defer(() => void network.stop());
    const redis = async (name: string, ...options: readonly string[]): Promise<void> => {
      const container = await new GenericContainer(image)
        .withNetwork(network)
        .withNetworkAliases(name)
        .withCommand(['/bin/redis-server', '--protected-mode', 'no', '--save', '', ...options])
        .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
        .start();
      members.defer(async () => void (await container.stop({ timeout: 0 })));
    };
    await redis('queue', '--appendonly', 'no', '--maxmemory-policy', 'noeviction');
    await redis('cache', '--maxmemory', '256mb', '--maxmemory-policy', 'allkeys-lfu');
    return new ContainerCluster(network, members.move());
  }

  /** Starts one more of a kind; resolves once it answers. */
  async add(kind: Kind): Promise<ContainerService> {
    const container = await new RestrictedContainer(imageOf(kind))
      .withNetwork(this.#network)
      .withNetworkAliases(kind)
      .withEnvironment({ ...SETTINGS, ...OWN[kind] })
      .withExposedPorts(HTTP_PORT)
      .withWaitStrategy(Wait.forLogMessage(/^Eidetic .* on /).withStartupTimeout(START_TIMEOUT_MS))
      .start();
    this.#members.defer(async () => void (await container.stop({ timeout: 0 })));
    return new ContainerService(kind, container, this.#network);
  }

  /** Ends all members, whatever they are at. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#members.disposeAsync();
  }
}
