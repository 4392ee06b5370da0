import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A flood of pictures: what it goes to and what it is made of. */
export interface FloodOptions {
  /** URL of the server. */
  readonly url: string;
  /** File of the JPEG that is sent again and again, each time as another picture. */
  readonly picture: string;
  /** Pictures that are under way at the same time. */
  readonly width: number;
}

/**
 * Pictures that clients on other machines send, as far as one machine can have them: by a process of its own, which prepares nothing while
 * it sends and gives way to all others.
 */
export class Flood implements AsyncDisposable {
  readonly #sender: ChildProcess;
  #answered = 0;

  private constructor(sender: ChildProcess) {
    this.#sender = sender;
    sender.on('message', () => this.#answered++);
  }

  /** Pictures that were answered so far. */
  get answered(): number {
    return this.#answered;
  }

  /** Resolves once a picture of it has been answered. */
  static async start({ url, picture, width }: FloodOptions): Promise<Flood> {
    const script = fileURLToPath(new URL('./flood-sender.ts', import.meta.url));
    const sender = spawn('nice', ['-n', '10', process.execPath, script, url, picture, String(width)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const flood = new Flood(sender);
    await Promise.race([
      once(sender, 'message'),
      once(sender, 'exit').then(([code]) => Promise.reject(new Error(`The flood ended by itself (${code}).`))),
    ]);
    return flood;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#sender, 'exit');
    this.#sender.kill('SIGKILL');
    await ended;
  }
}
