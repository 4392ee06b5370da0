import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../services/standalone/src/main.ts', import.meta.url));

/** The server as a user starts it, in a process of its own on a free port. */
export class StandaloneServer implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  /**
   * Resolves once it answers. `settings` are `EIDETIC_*` variables.
   *
   * @throws Error with what it said if it ends before.
   */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<StandaloneServer> {
    const server = spawn(process.execPath, [MAIN], {
      env: { ...process.env, EIDETIC_HTTP_PORT: '0', ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { promise: url, resolve, reject } = Promise.withResolvers<string>();
    const said: string[] = [];
    createInterface(server.stderr).on('line', (line) => {
      said.push(line);
      const [, address] = /Eidetic serves .* on (http:\S+)/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    server.once('close', () => reject(new Error(`The server ended before it was ready:\n${said.join('\n')}`)));
    return new StandaloneServer(await url, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
