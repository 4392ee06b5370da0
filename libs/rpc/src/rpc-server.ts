import { setTimeout as delay } from 'node:timers/promises';
import { EideticError } from '@eidetic/core';
import type { CertificateFiles } from '@eidetic/tls';
import { Server } from '@grpc/grpc-js';
import { Health } from './health.ts';
import type { EndedCall, Implementation } from './implement.ts';
import { limitArrival } from './limit-arrival.ts';
import { reflection } from './reflection.ts';
import { RunningCalls } from './running-calls.ts';
import { SHARED_OPTIONS } from './settings.ts';
import { serverCredentials } from './tls.ts';

/** What a server is made of. */
export interface RpcServerOptions {
  readonly services: readonly Implementation[];
  /** Serialised google.protobuf.FileDescriptorSet of the services: what reflection answers from. */
  readonly descriptors: Uint8Array;
  /** After so long a connection is closed once its calls have ended, so that clients look for servers that are new. */
  readonly maxConnectionAgeMs: number;
  /** Longest time that a request may take to arrive, in milliseconds; absent: as long as it takes. */
  readonly maxArrivalMs?: number;
  /** What it shows; with authorities, clients must have a certificate of theirs. Absent: nothing is encrypted. */
  readonly certificates?: CertificateFiles | undefined;
  /** Told of every call when it has ended. Must not throw. */
  readonly onEnd: (call: EndedCall) => void;
}

/** Where a server listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Names of the variables that choose host and port, for the message when that is not possible. */
  readonly settings: string;
}

/** A client that sends embeddings would otherwise wait for permission every 64 KiB. */
const RECEIVE_WINDOW_BYTES = 4 * 2 ** 20;

/** Time for the last statuses to reach their clients. */
const LAST_WORDS_MS = 1000;

const listenError = (reason: unknown, address: string, settings: string): EideticError => {
  const said = reason instanceof Error ? reason.message : String(reason);
  const problem = said.includes('EADDRINUSE')
    ? `it is in use by another program. Stop that program, or set ${settings}.`
    : `${said}. Set ${settings} to an address of this machine.`;
  return new EideticError('invalid_config', `Cannot listen on ${address}: ${problem}`, { cause: reason });
};

/**
 * A gRPC server with grpc.health.v1 and grpc.reflection.v1. Calls are answered from the moment it listens; health says NOT_SERVING
 * until it is told otherwise.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #certificates: CertificateFiles | undefined;
  readonly #health: Health;
  readonly #calls = new RunningCalls();
  readonly #closed = Promise.withResolvers<void>();

  constructor({ services, descriptors, maxConnectionAgeMs, maxArrivalMs, certificates, onEnd }: RpcServerOptions) {
    this.#certificates = certificates;
    this.#server = new Server({
      ...SHARED_OPTIONS,
      'grpc.max_connection_age_ms': maxConnectionAgeMs,
      'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
      ...(maxArrivalMs !== undefined && { interceptors: [limitArrival(maxArrivalMs)] }),
    });
    this.#health = new Health(services.map(({ name }) => name));
    const all = [...services, this.#health.implementation()];
    const names = all.map(({ name }) => name);
    for (const { definition, bind } of [...all, reflection(descriptors, names)]) {
      this.#server.addService(definition, bind(this.#calls, onEnd));
    }
  }

  /**
   * Listens; resolves with the address, its port being the one that was free when `port` is 0.
   *
   * @throws EideticError `invalid_config` when that is not possible.
   */
  async listen({ host, port, settings }: ListenOptions): Promise<string> {
    const name = host.includes(':') ? `[${host}]` : host;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync(`${name}:${port}`, serverCredentials(this.#certificates), (error, bound) =>
      error ? reject(listenError(error, `${name}:${port}`, settings)) : resolve(bound),
    );
    return `${name}:${await promise}`;
  }

  /** What health says from now on. */
  setServing(serving: boolean): void {
    this.#health.serving = serving;
  }

  /**
   * Says NOT_SERVING, sends clients elsewhere and refuses new calls; resolves when the running ones have ended. After `limitMs` they
   * are ended with `unavailable`.
   */
  async drain(limitMs: number): Promise<void> {
    this.setServing(false);
    this.#server.tryShutdown(() => this.#closed.resolve());
    await this.#calls.drain(limitMs);
  }

  /** Ends what still runs and closes every connection, after a moment for last words. */
  async stop(): Promise<void> {
    await this.drain(0);
    await Promise.race([this.#closed.promise, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    this.#server.forceShutdown();
  }
}
