import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../services/standalone/src/main.ts', import.meta.url));

/** The server as a user starts it, in a process of its own on a free port. */
export class StandaloneServer implements AsyncDisposable {
  readonly url: string;
  /** `host:port` of the gRPC API. */
  readonly grpc: string;
  readonly #process: ChildProcess;

  private constructor({ url, grpc }: { readonly url: string; readonly grpc: string }, process: ChildProcess) {
    this.url = url;
    this.grpc = grpc;
    this.#process = process;
  }

  /**
   * Resolves once it answers. `settings` are `EIDETIC_*` variables.
   *
   * @throws Error with what it said if it ends before.
   */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<StandaloneServer> {
    const server = spawn(process.execPath, [MAIN], {
      env: { ...process.env, EIDETIC_HTTP_PORT: '0', EIDETIC_GRPC_PORT: '0', ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { promise: places, resolve, reject } = Promise.withResolvers<{ url: string; grpc: string }>();
    const said: string[] = [];
    createInterface(server.stderr).on('line', (line) => {
      said.push(line);
      const [, url, grpc] = /^Eidetic serves \S+ on (https?:\S+) .* and on (\S+) \(gRPC\)/.exec(line) ?? [];
      if (url !== undefined && grpc !== undefined) resolve({ url, grpc });
    });
    server.once('close', () => reject(new Error(`The server ended before it was ready:\n${said.join('\n')}`)));
    return new StandaloneServer(await places, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
