import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A service of this repository as a user starts it, in a process of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly pid: number;
  /** What the pattern's first group matched in what the service said. */
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, address: string) {
    this.#process = process;
    this.pid = process.pid ?? 0;
    this.address = address;
  }

  /**
   * Starts `services/<name>` with `EIDETIC_*` settings on free ports, and waits until it says something that matches.
   *
   * @throws Error with what it said when it ends instead.
   */
  static async start(
    name: string,
    settings: Readonly<Record<string, string>>,
    pattern: RegExp,
  ): Promise<ServiceProcess> {
    const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url));
    const env = { ...process.env, EIDETIC_HTTP_PORT: '0', EIDETIC_LOG_LEVEL: 'error', ...settings };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      said.push(line);
      const address = pattern.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return new ServiceProcess(child, address);
    }
    throw new Error(`The ${name} service ended while starting: ${said.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}
