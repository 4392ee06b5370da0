import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { somePort } from './free-ports.ts';

/** What a Prometheus watches. */
export interface PrometheusServerOptions {
  /** Some port below those of outgoing connections if absent. */
  readonly port?: number;
  /** `host:port` of each process whose `/metrics` it reads, by the name of their job. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Paths of rule files; the last part may have `*`. */
  readonly rules: readonly string[];
  /** Between two readings, and between two looks at the rules. */
  readonly intervalMs: number;
}

/** An alert as Prometheus has it now. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A real `prometheus` on 127.0.0.1, whose data goes with it. */
export class PrometheusServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, server: ChildProcess, folder: string) {
    this.url = url;
    this.#server = server;
    this.#folder = folder;
  }

  /**
   * Resolves once it answers queries.
   *
   * @throws Error with what it said if it ends before.
   */
  static async start(options: PrometheusServerOptions): Promise<PrometheusServer> {
    const { port = somePort(), targets, rules, intervalMs } = options;
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-prometheus-'));
    const interval = `${intervalMs}ms`;
    const config = {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: rules,
      scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
        job_name: job,
        static_configs: [{ targets: addresses }],
      })),
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${port}`;
    const files = [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`];
    const args = [...files, `--web.listen-address=${address}`, '--enable-feature=exemplar-storage'];
    const server = spawn('prometheus', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const started = new PrometheusServer(`http://${address}`, server, folder);
    try {
      await started.#ready();
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<readonly ActiveAlert[]> {
    const response = await fetch(`${this.url}/api/v1/alerts`);
    return ((await response.json()) as { data: { alerts: readonly ActiveAlert[] } }).data.alerts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode, pid } = this.#server;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const ended = once(this.#server, 'exit');
      this.#server.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const server = this.#server;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    const said: string[] = [];
    // What starts it and ends early takes it along.
    const kill = (): boolean => server.kill('SIGKILL');
    process.once('exit', kill);
    server.once('error', (cause) =>
      reject(new Error('prometheus could not be started: run scripts/install-prometheus.sh.', { cause })),
    );
    server.once('close', () => {
      process.removeListener('exit', kill);
      reject(new Error(`prometheus ended before it was ready:\n${said.slice(-5).join('\n')}`));
    });
    createInterface(server.stderr ?? process.stdin).on('line', (line) => {
      said.push(line);
      if (line.includes('Server is ready to receive web requests')) resolve();
    });
    await ready;
  }
}
