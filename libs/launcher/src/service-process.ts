import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The services of this repository. */
export type ServiceName = 'standalone' | 'gateway' | 'vision' | 'decoder';

/** How a service is started. */
export interface ServiceOptions {
  /** `EIDETIC_*` variables; of this process's own none is passed on. */
  readonly settings: Readonly<Record<string, string>>;
  /** Receives every line that it writes for the person at the terminal, and with `log` every line of its log. */
  readonly onLine?: (line: string) => void;
  /** Whether its log is wanted. */
  readonly log?: boolean;
  /** How much it gives way to other processes: 0 to 19, as of nice(1); 0 if absent. */
  readonly niceness?: number;
}

/** What services say once they answer, and where: chats over HTTP and gRPC, others over gRPC with health and metrics beside it. */
const CHAT_GREETING = /^Eidetic serves \S+ on (https?:\S+) \(web page.*\) and on (\S+) \(gRPC\)\./;
const GRPC_GREETING = /^Eidetic .* on (\S+) \(gRPC\); health and metrics on (http:\S+)\. Try:$/;

const LAST_LINES = 20;

/** Path of a service's program. */
export const mainOf = (name: ServiceName): string =>
  fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url));

/** A service as a user starts it, in a process of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly name: ServiceName;
  readonly #options: ServiceOptions;
  readonly #crashes: string[] = [];
  #child: ChildProcess | undefined;
  #http = '';
  #grpc = '';

  private constructor(name: ServiceName, options: ServiceOptions) {
    this.name = name;
    this.#options = options;
  }

  /**
   * Resolves once it answers. Aborting kills it if it does not yet.
   *
   * @throws Error with what it said when it ends before.
   */
  static async start(name: ServiceName, options: ServiceOptions, signal?: AbortSignal): Promise<ServiceProcess> {
    const service = new ServiceProcess(name, options);
    const giveUp = (): void => void service.kill();
    signal?.addEventListener('abort', giveUp);
    try {
      await service.restart();
      return service;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** URL of the API, or of health and metrics. */
  get http(): string {
    return this.#http;
  }

  /** `host:port` */
  get grpc(): string {
    return this.#grpc;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Each end that nobody asked for, after it had answered: how, and its last lines. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  /** Kills it if it runs, and starts it again with the same settings. */
  async restart(): Promise<void> {
    await this.kill();
    const main = mainOf(this.name);
    const { settings, onLine, log = false, niceness = 0 } = this.#options;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EIDETIC_'));
    // By nice(1) rather than afterwards: threads that run already keep their priority.
    const child = spawn('nice', ['-n', String(niceness), process.execPath, main], {
      env: { ...Object.fromEntries(inherited), ...settings },
      stdio: ['ignore', log ? 'pipe' : 'ignore', 'pipe'],
    });
    this.#child = child;
    // A process that ends early takes what it started along.
    const end = (): boolean => child.kill('SIGKILL');
    process.once('exit', end);
    if (child.stdout && onLine) createInterface(child.stdout).on('line', onLine);
    const { promise: answers, resolve, reject } = Promise.withResolvers<void>();
    const said: string[] = [];
    createInterface(child.stderr ?? process.stdin).on('line', (line) => {
      said.push(line);
      onLine?.(line);
      if (this.#hears(line)) resolve();
    });
    child.once('close', (code, signal) => {
      process.removeListener('exit', end);
      const lastWords = said.slice(-LAST_LINES).join('\n');
      if (this.#child === child) this.#crashes.push(`${signal ?? `exit status ${code}`}\n${lastWords}`);
      reject(new Error(`The ${this.name} service ended before it answered:\n${lastWords}`));
    });
    await answers;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Lets it finish what it is at, and resolves to its exit status: null if a signal ended it, or nothing runs. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Stops its execution: connections to it stay, nobody answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    this.#child = undefined;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [status] = await ended;
    return typeof status === 'number' ? status : null;
  }

  #hears(line: string): boolean {
    const [, http, grpc] = CHAT_GREETING.exec(line) ?? [];
    const [, address, operations] = GRPC_GREETING.exec(line) ?? [];
    this.#http = http ?? operations ?? this.#http;
    this.#grpc = grpc ?? address ?? this.#grpc;
    return http !== undefined || address !== undefined;
  }
}
