import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { EideticError } from '@eidetic/core';
import { Cluster, PrometheusServer, settingsOf } from '@eidetic/launcher';
import { parseArguments, wholeNumber } from './arguments.ts';
import type { Command } from './commands.ts';
import { serviceSettings } from './service-settings.ts';
import { say } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic up [options]

Starts a whole cluster on this machine: Redis for the queue, Redis for the caches, vision encoders, decoders, gateways. Each is a
process of its own, to be looked at, killed and started again. It needs redis-server (EIDETIC_REDIS_SERVER names another binary).
EIDETIC_* variables reach the services that take them. Ctrl-C ends everything.

  --gateways N    default 2, on --port and the ports after it, for gRPC on 50050 and the ports after it
  --vision N      vision encoders; default 2
  --decoders N    default 2
  --port PORT     of the first gateway; default 8080
  --prometheus    start Prometheus as well, on http://127.0.0.1:9090, with the alerts of the chart; it needs prometheus`;

type Settings = Readonly<Record<string, string>>;

/** What it decides itself. */
const DECIDED_HERE = [
  'EIDETIC_HTTP_PORT',
  'EIDETIC_GRPC_PORT',
  'EIDETIC_DECODERS',
  'EIDETIC_VISION_ENCODERS',
  'EIDETIC_QUEUE_REDIS_URL',
  'EIDETIC_CACHE_REDIS_URL',
];

const OPTIONS = {
  gateways: { type: 'string', default: '2' },
  vision: { type: 'string', default: '2' },
  decoders: { type: 'string', default: '2' },
  port: { type: 'string', default: '8080' },
  prometheus: { type: 'boolean', default: false },
} as const;

const FIRST_GATEWAY_GRPC_PORT = 50_050;
const FIRST_VISION_PORT = 50_100;
const FIRST_VISION_HTTP_PORT = 50_150;
const FIRST_DECODER_PORT = 50_200;
const FIRST_DECODER_HTTP_PORT = 50_250;

const PROMETHEUS_PORT = 9090;
const PROMETHEUS_INTERVAL_MS = 5000;
/** The rules that the chart installs. */
const ALERTS = fileURLToPath(new URL('../../../deploy/helm/eidetic/files/alerts/*.yaml', import.meta.url));

/** `eidetic up`. */
export const up: Command = { usage, run: runCluster };

/**
 * Runs a cluster until `signal` aborts.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_config` for wrong settings, `unavailable` when a member does not start.
 */
async function runCluster(args: readonly string[], signal: AbortSignal): Promise<undefined> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`What is ${positionals[0]}?`);
  const count = (name: 'gateways' | 'vision' | 'decoders' | 'port', most: number): number =>
    wholeNumber(`--${name}`, values[name], 1, most);
  const [visionEncoders, decoders] = [count('vision', 50), count('decoders', 50)];
  // What computes shares the cores.
  const threads = Math.max(1, Math.floor(availableParallelism() / (visionEncoders + decoders)));
  const [gatewaySettings, visionSettings, decoderSettings] = await ownSettings(process.env);
  await using cluster = await orUnavailable(() =>
    Cluster.start({
      gateways: count('gateways', 50),
      visionEncoders,
      decoders,
      ports: {
        gateway: count('port', 65_000),
        gatewayGrpc: FIRST_GATEWAY_GRPC_PORT,
        vision: FIRST_VISION_PORT,
        visionHttp: FIRST_VISION_HTTP_PORT,
        decoder: FIRST_DECODER_PORT,
        decoderHttp: FIRST_DECODER_HTTP_PORT,
      },
      settings: { EIDETIC_THREADS: String(threads) },
      gatewaySettings,
      visionSettings,
      decoderSettings,
      onLine: (member, line) => say(`${member}: ${line}`),
    }),
  );
  await using prometheus = values.prometheus ? await orUnavailable(() => watch(cluster)) : undefined;
  say(`\nqueue   ${cluster.queue.url}\ncache   ${cluster.cache.url}`);
  for (const { http, grpc } of cluster.gateways) say(`gateway ${http}, gRPC ${grpc}`);
  for (const { grpc, http, pid } of cluster.visionEncoders)
    say(`vision  ${grpc}, metrics ${http}/metrics, process ${pid}`);
  for (const { grpc, http, pid } of cluster.decoders) say(`decoder ${grpc}, metrics ${http}/metrics, process ${pid}`);
  if (prometheus) say(`prometheus ${prometheus.url}, alerts ${prometheus.url}/alerts`);
  say('Ctrl-C ends everything.');
  if (!signal.aborted) await once(signal, 'abort');
}

/** The variables of `env` that gateways, vision encoders and decoders take. */
const ownSettings = async (env: NodeJS.ProcessEnv): Promise<[Settings, Settings, Settings]> => {
  const own = Object.entries(serviceSettings(env));
  const decided = own.map(([name]) => name).filter((name) => DECIDED_HERE.includes(name));
  if (decided.length > 0) {
    const message = `${decided.join(', ')}: a cluster on one machine decides that itself; leave it out (--port sets the gateways' ports).`;
    throw new EideticError('invalid_config', message);
  }
  const namesOf = async (service: 'gateway' | 'vision' | 'decoder'): Promise<ReadonlySet<string>> =>
    new Set((await settingsOf(service)).map(({ name }) => name));
  const [gateway, vision, decoder] = await Promise.all([namesOf('gateway'), namesOf('vision'), namesOf('decoder')]);
  const unknown = own.map(([name]) => name).filter((name) => ![gateway, vision, decoder].some((of) => of.has(name)));
  if (unknown.length > 0) {
    throw new EideticError('invalid_config', `No service knows ${unknown.join(', ')}; see docs/configuration.md.`);
  }
  const known = (names: ReadonlySet<string>): Settings => Object.fromEntries(own.filter(([name]) => names.has(name)));
  return [known(gateway), known(vision), known(decoder)];
};

const watch = ({ metricsTargets }: Cluster): Promise<PrometheusServer> =>
  PrometheusServer.start({
    port: PROMETHEUS_PORT,
    targets: metricsTargets,
    rules: [ALERTS],
    intervalMs: PROMETHEUS_INTERVAL_MS,
  });

/** What is started, whose failure is told without a stack. */
const orUnavailable = async <Started>(start: () => Promise<Started>): Promise<Started> => {
  try {
    return await start();
  } catch (cause) {
    throw new EideticError('unavailable', cause instanceof Error ? cause.message : String(cause), { cause });
  }
};
