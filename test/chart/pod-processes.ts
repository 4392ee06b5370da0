import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts, type ServiceName, ServiceProcess } from '@eidetic/launcher';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import { z } from 'zod';
import { CHART, type Container, type KubernetesObject, type Pod, podsOf } from './chart.ts';

const execute = promisify(execFile);
const LOCAL = '127.0.0.1';
/** Where the folders of images and volumes are on this machine. */
const FOLDERS: Readonly<Record<string, string>> = { '/var/cache/eidetic': '.cache/test-bundles' };

const service = z.looseObject({
  selector: z.record(z.string(), z.string()),
  ports: z.array(z.looseObject({ port: z.number(), targetPort: z.string() })),
});
const probe = z.union([
  z.object({ grpc: z.object({ port: z.number() }) }),
  z.object({ httpGet: z.object({ path: z.string(), port: z.string(), scheme: z.literal('HTTP') }) }),
  z.object({ exec: z.object({ command: z.array(z.string()) }) }),
  z.object({ tcpSocket: z.object({ port: z.string() }) }),
]);

/** A process that a container would be. */
interface Running {
  /** Sends SIGTERM; resolves to the exit status. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/**
 * The pods of a rendered chart as processes of this machine: what their images run, with the variables and arguments of the chart. Only
 * addresses, ports and folders are others; addresses are looked up in the rendered Services, as DNS and kube-proxy would do.
 */
export class PodProcesses implements AsyncDisposable {
  readonly #objects: readonly KubernetesObject[];
  readonly #folder: string;
  /** Of this machine, by `component:port of the container`. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #running = new Map<string, Running>();

  private constructor(objects: readonly KubernetesObject[], folder: string, ports: ReadonlyMap<string, number>) {
    this.#objects = objects;
    this.#folder = folder;
    this.#ports = ports;
  }

  /** Chooses ports; starts nothing yet. */
  static async of(objects: readonly KubernetesObject[]): Promise<PodProcesses> {
    const keys = podsOf(objects).flatMap((pod) =>
      pod.spec.containers.flatMap(({ ports }) =>
        ports.map(({ containerPort }) => `${componentOf(pod)}:${containerPort}`),
      ),
    );
    const free = [...(await freePorts(keys.length))];
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-pods-'));
    return new PodProcesses(objects, folder, new Map(keys.map((key, i) => [key, free[i] ?? 0])));
  }

  /** Starts the container of a Redis. */
  async startRedis(component: string): Promise<void> {
    const { command = [], args = [] } = this.#containerOf(component);
    const [program = '', ...rest] = [...command, ...args];
    const local = rest.map((argument) =>
      argument === '/data' ? this.#folder : (this.#local(component, argument) ?? argument),
    );
    const child = spawn(process.env.EIDETIC_REDIS_SERVER ?? program, local, { stdio: 'ignore' });
    process.once('exit', () => child.kill('SIGKILL'));
    this.#running.set(component, runningOf(child));
  }

  /** Starts the container of a service of Eidetic; resolves once it says that it answers. */
  async startService(component: ServiceName): Promise<void> {
    const { env, resources } = this.#containerOf(component);
    const settings = this.#objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith(`-${component}`),
    );
    const own = env.map(({ name, value }) => [name, value ?? String(Math.ceil(Number(resources.limits.cpu)))] as const);
    const variables = { ...settings?.data, ...Object.fromEntries(own) };
    const local = Object.entries(variables).map(([name, value]) => [name, this.#localValue(component, name, value)]);
    this.#running.set(component, await ServiceProcess.start(component, { settings: Object.fromEntries(local) }));
  }

  /** Runs the pod of `helm test`; resolves to what it prints. @throws Error when it fails. */
  async runTest(): Promise<string> {
    const { args = [] } = this.#containerOf('test');
    const [script = '', url = ''] = args;
    const path = join(CHART, 'files/scripts', script.replace('/etc/eidetic/', ''));
    return (await execute(process.execPath, [path, url.replace(/[\w-]+:\d+$/, (address) => this.#route(address))]))
      .stdout;
  }

  /** Where clients reach a Service, as http://host:port. */
  url(address: string): string {
    return `http://${this.#route(address)}`;
  }

  /** Asks as the kubelet does, once. */
  async probe(component: string, kind: 'startupProbe' | 'readinessProbe' | 'livenessProbe'): Promise<boolean> {
    const container = this.#containerOf(component);
    const how = probe.parse(container[kind]);
    const at = (port: string | number): number => {
      const named = container.ports.find(({ name, containerPort }) => name === port || containerPort === port);
      return this.#ports.get(`${component}:${named?.containerPort}`) ?? 0;
    };
    if ('grpc' in how) return isServing(`${LOCAL}:${at(how.grpc.port)}`);
    if ('httpGet' in how)
      return fetch(`http://${LOCAL}:${at(how.httpGet.port)}${how.httpGet.path}`).then(
        ({ ok }) => ok,
        () => false,
      );
    const [program = '', ...args] = 'exec' in how ? how.exec.command : ['redis-cli', 'ping'];
    return execute(program, ['-p', String(at('redis')), ...args]).then(
      ({ stdout }) => stdout === 'PONG\n',
      () => false,
    );
  }

  /** SIGTERM, and SIGKILL once the pod's grace is over; resolves to the exit status: null if it was killed. */
  async stop(component: string): Promise<number | null> {
    const { spec } = this.#podOf(component);
    const asleep = spec.containers[0]?.lifecycle?.preStop.sleep.seconds ?? 0;
    const running = this.#running.get(component);
    const late = setTimeout(() => void running?.kill(), (Number(spec.terminationGracePeriodSeconds) - asleep) * 1000);
    try {
      return (await running?.stop()) ?? null;
    } finally {
      clearTimeout(late);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((each) => each.kill()));
    await rm(this.#folder, { recursive: true });
  }

  #podOf(component: string): Pod {
    const pod = podsOf(this.#objects).find((each) => componentOf(each) === component);
    if (!pod) throw new Error(`The chart has no pod ${component}.`);
    return pod;
  }

  #containerOf(component: string): Container {
    const [container] = this.#podOf(component).spec.containers;
    if (!container) throw new Error(`The pod ${component} has no container.`);
    return container;
  }

  /** The port of this machine for a container's. */
  #local(component: string, port: string): string | undefined {
    return this.#ports.get(`${component}:${port}`)?.toString();
  }

  #localValue(component: string, name: string, value: string): string {
    if (name.endsWith('_PORT')) return this.#local(component, value) ?? `${name} is no port of the container`;
    if (name.endsWith('_HOST')) return value === '0.0.0.0' ? LOCAL : `${name} is not for all addresses`;
    return FOLDERS[value] ?? value.replace(/(?<=^(?:dns|redis):\/\/\/?)[\w-]+:\d+$/, (address) => this.#route(address));
  }

  /** `host:port` of this machine where a Service's name and port lead. */
  #route(address: string): string {
    const [name, port] = address.split(':');
    const found = this.#objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === name);
    if (!found) throw new Error(`There is no Service ${name}.`);
    const { selector, ports } = service.parse(found.spec);
    const target = ports.find((each) => String(each.port) === port)?.targetPort;
    const pods = podsOf(this.#objects).filter(({ labels }) =>
      Object.entries(selector).every(([k, v]) => labels[k] === v),
    );
    const [pod, ...others] = pods;
    const container = pod?.spec.containers[0]?.ports.find((each) => each.name === target);
    if (!pod || !container || others.length > 0) throw new Error(`${address} leads to no port of one kind of pod.`);
    return `${LOCAL}:${this.#local(componentOf(pod), String(container.containerPort))}`;
  }
}

const componentOf = ({ labels }: Pod): string => labels['app.kubernetes.io/component'] ?? '';

const runningOf = (child: ChildProcess): Running => {
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const [status] = await ended;
    return typeof status === 'number' ? status : null;
  };
  return { stop: () => end('SIGTERM'), kill: async () => void (await end('SIGKILL')) };
};

const isServing = async (address: string): Promise<boolean> => {
  using channel = new RpcChannel(address);
  try {
    const { status } = await channel.unary(HealthDefinition, 'check', { service: '' });
    return status === ServingStatus.SERVING;
  } catch {
    // Whoever cannot be asked does not serve.
    return false;
  }
};
