import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { EncodeLimits } from '@eidetic/core';
import type { LockPolicy } from '../src/redis-encode-consumer.ts';

interface RedisPlace {
  readonly url: string;
  readonly prefix: string;
}

export interface ConsumerProcessOptions extends RedisPlace {
  readonly limits: EncodeLimits;
  readonly locks: LockPolicy;
  /** Blocks the event loop for so long during its first batch. */
  readonly blockMs?: number;
  /** Never ends a batch. */
  readonly holds?: boolean;
}

export interface ProducerProcessOptions extends RedisPlace {
  /** Of the pictures that it asks for, all at once. */
  readonly names: readonly string[];
}

/** A program of this folder that runs, and what it has reported. */
export class TestProcess implements AsyncDisposable {
  /** Keys of the jobs that came to its handler. */
  readonly handled: string[] = [];
  /** Whether each of its requests was answered well. */
  readonly answers: boolean[] = [];
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(program: string, options: object) {
    this.#child = fork(new URL(program, import.meta.url), [JSON.stringify(options)]);
    this.#child.on('message', (message: { handled?: string[]; answers?: boolean[]; ready?: boolean }) => {
      this.handled.push(...(message.handled ?? []));
      this.answers.push(...(message.answers ?? []));
      if (message.ready) this.#ready.resolve();
    });
    this.#child.once('exit', (code) => this.#ready.reject(new Error(`${program} ended early, with ${code}.`)));
  }

  /** Resolves once it consumes. */
  static async consumer(options: ConsumerProcessOptions): Promise<TestProcess> {
    const consumer = new TestProcess('./consumer-process.ts', options);
    await consumer.#ready.promise;
    return consumer;
  }

  /** Resolves once all its jobs are in Redis. */
  static async producer(options: ProducerProcessOptions): Promise<TestProcess> {
    const producer = new TestProcess('./producer-process.ts', options);
    await producer.#ready.promise;
    return producer;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
