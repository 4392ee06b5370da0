import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { somePort } from './free-ports.ts';

const PORT_ATTEMPTS = 20;

/** What a server is started with; what is left out is Redis's default, only that nothing is saved without `appendonly`. */
export interface RedisServerOptions {
  /** As in redis.conf, e.g. `4mb`; without it memory is not bounded. */
  readonly maxmemory?: string;
  readonly maxmemoryPolicy?: 'noeviction' | 'allkeys-lru' | 'allkeys-lfu' | 'volatile-lru' | 'volatile-lfu';
  /** Whether data outlives `kill` and `restart`. */
  readonly appendonly?: boolean;
}

/** A real `redis-server` (`EIDETIC_REDIS_SERVER` names another binary) on a free port of 127.0.0.1, in a folder of its own. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #server: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Resolves once it accepts connections.
   *
   * @throws Error with what it said if it ends before.
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-redis-'));
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(somePort(), folder, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        const taken = error instanceof Error && error.message.includes('Address already in use');
        if (taken && attempt < PORT_ATTEMPTS) continue;
        await rm(folder, { recursive: true });
        throw error;
      }
    }
  }

  get host(): string {
    return '127.0.0.1';
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** Ends it as a crash does (SIGKILL), paused or not; the port refuses connections from then on. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  /** Stops its execution (SIGSTOP): the kernel goes on accepting connections and bytes, nobody answers. */
  pause(): void {
    this.#server?.kill('SIGSTOP');
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#server?.kill('SIGCONT');
  }

  /** Kills it if it runs, and starts it again on the same port and folder. */
  async restart(): Promise<void> {
    await this.kill();
    const server = spawn(process.env.EIDETIC_REDIS_SERVER ?? 'redis-server', this.#arguments(), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    const said: string[] = [];
    createInterface(server.stdout).on('line', (line) => {
      said.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
    // A test process that ends early takes its servers along.
    const kill = (): boolean => server.kill('SIGKILL');
    process.once('exit', kill);
    server.once('error', (cause) =>
      reject(new Error('redis-server could not be started: run scripts/install-redis.sh.', { cause })),
    );
    server.once('close', () => {
      process.removeListener('exit', kill);
      reject(new Error(`redis-server ended before it was ready:\n${said.join('\n')}`));
    });
    await ready;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const { maxmemory, maxmemoryPolicy, appendonly = false } = this.#options;
    return [
      ['--bind', this.host, '--port', String(this.port), '--dir', this.#folder, '--save', ''],
      ['--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always'],
      maxmemory === undefined ? [] : ['--maxmemory', maxmemory],
      maxmemoryPolicy === undefined ? [] : ['--maxmemory-policy', maxmemoryPolicy],
    ].flat();
  }
}
