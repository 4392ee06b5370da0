import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Reply } from './peers/protocol.ts';
import { type ProcessMemory, processMemory } from './process-memory.ts';

type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Result<F> = F extends (argument: never) => Promise<infer R> ? R : never;

/** A peer in a child process. It sleeps between calls, so contenders of one suite can be loaded at once and take turns. */
export class Contender<M> implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  /**
   * Starts `peers/<peer>.ts` and waits until it has loaded its model.
   *
   * @throws Error when the process ends or reports an error instead.
   */
  static async start<M>(name: string, peer: string, options: object): Promise<Contender<M>> {
    const child = fork(new URL(`./peers/${peer}.ts`, import.meta.url), [JSON.stringify(options)], {
      serialization: 'advanced',
    });
    const contender = new Contender<M>(name, child);
    try {
      await contender.#reply();
      return contender;
    } catch (error) {
      await contender[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Calls a method of the peer. */
  async call<K extends keyof M & string>(method: K, argument: Argument<M[K]>): Promise<Result<M[K]>> {
    this.#child.send({ method, argument });
    return this.#reply();
  }

  /** Most memory that the process has held so far, in bytes. Linux only. */
  async peakMemoryBytes(): Promise<number> {
    return peakMemoryBytes(this.#child.pid ?? 0);
  }

  /** What the process holds at the moment. Linux only. */
  memory(): Promise<ProcessMemory> {
    return processMemory(this.#child.pid ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }

  async #reply<R>(): Promise<R> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const exit = once(this.#child, 'exit', { signal }).then(([code, killed]) => {
      throw new Error(`${this.name} ended with ${code ?? killed} instead of answering.`);
    });
    const message = once(this.#child, 'message', { signal });
    try {
      const [reply] = (await Promise.race([message, exit])) as [Reply<R>];
      if (reply.ok) return reply.result;
      throw new Error(`${this.name}: ${reply.error}`);
    } finally {
      // The loser of the race rejects with the abort: nobody waits for it any more.
      exit.catch(() => {});
      message.catch(() => {});
      waiting.abort();
    }
  }
}

/** `VmHWM` of a running process. */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
