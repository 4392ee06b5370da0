import { Cluster, type ClusterOptions, ServiceProcess } from '@eidetic/launcher';
import { onTestFinished } from 'vitest';

/** A cluster, and what its members said. */
export interface WatchedCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly lines: readonly string[];
  /** What must not be there: errors that services blame themselves for, and ends that nobody asked for. */
  troubles(): readonly string[];
}

const TROUBLE = /"level":"(?:error|fatal)"|unhandled|uncaught|TypeError|MaxListenersExceeded/i;
/** Answers to those who do not wait until a service is ready. */
const EXPECTED = /"message":"The server is (?:starting|shutting down)/;

const SETTINGS = { EIDETIC_THREADS: '1', EIDETIC_CACHE_DIR: '.cache/test-bundles' };

/** Two of each kind unless `options` say otherwise, on one core each and free ports, with the weights that the tests share. */
export const startCluster = async (options: Partial<ClusterOptions> = {}): Promise<WatchedCluster> => {
  const lines: string[] = [];
  const cluster = await Cluster.start({
    gateways: 2,
    visionEncoders: 2,
    decoders: 2,
    log: true,
    onLine: (member, line) => lines.push(`${member}: ${line}`),
    ...options,
    settings: { ...SETTINGS, ...options.settings },
  });
  return {
    cluster,
    lines,
    troubles: () => [
      ...lines.filter((line) => TROUBLE.test(line) && !EXPECTED.test(line)),
      ...servicesOf(cluster).flatMap(({ crashes }) => crashes),
    ],
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
};

/** One more gateway, with settings of its own, for the rest of the test. */
export const startGateway = async (
  { queue, cache, visionEncoders, decoders }: Cluster,
  settings: Readonly<Record<string, string>>,
): Promise<ServiceProcess> => {
  const addresses = (services: readonly ServiceProcess[]): string => services.map(({ grpc }) => grpc).join(',');
  const gateway = await ServiceProcess.start('gateway', {
    settings: {
      ...SETTINGS,
      EIDETIC_HTTP_PORT: '0',
      EIDETIC_GRPC_PORT: '0',
      EIDETIC_QUEUE_REDIS_URL: queue.url,
      EIDETIC_CACHE_REDIS_URL: cache.url,
      EIDETIC_VISION_ENCODERS: addresses(visionEncoders),
      EIDETIC_DECODERS: addresses(decoders),
      ...settings,
    },
  });
  onTestFinished(() => gateway.kill());
  return gateway;
};

/** Gateways, vision encoders and decoders. */
export const servicesOf = ({ gateways, visionEncoders, decoders }: Cluster): readonly ServiceProcess[] => [
  ...gateways,
  ...visionEncoders,
  ...decoders,
];

/**
 * The sum of a metric over services.
 *
 * @param labels as they are printed, e.g. `outcome="encoded"`
 * @throws Error if none of them has the metric.
 */
export const sumOf = async (
  services: readonly Pick<ServiceProcess, 'http'>[],
  name: string,
  labels = '',
): Promise<number> => {
  const texts = await Promise.all(services.map(async ({ http }) => (await fetch(`${http}/metrics`)).text()));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => /^[^{ ]+/.exec(line)?.[0] === name);
  if (lines.length === 0) throw new Error(`There is no metric ${name}.`);
  return lines
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
};

/** Pictures that the vision encoders have encoded. */
export const encodesOf = ({ visionEncoders }: Cluster): Promise<number> =>
  sumOf(visionEncoders, 'eidetic_vision_images_finished_total', 'outcome="encoded"');
