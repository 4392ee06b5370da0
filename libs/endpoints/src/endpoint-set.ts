import type { EndpointObserver } from '@eidetic/core';
import type { ChannelTls } from '@eidetic/rpc';
import type { Resolve } from './addresses.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { type Connect, Endpoint } from './endpoint.ts';
import type { Lease } from './lease.ts';
import { NO_OBSERVER } from './no-observer.ts';
import { DEFAULT_ENDPOINT_SETTINGS, type EndpointSettings } from './settings.ts';

/** How a set is made. */
export interface EndpointSetOptions<T> {
  readonly resolve: Resolve;
  readonly connect: Connect<T>;
  /** Absent: nothing is encrypted. */
  readonly tls?: ChannelTls | undefined;
  readonly settings?: Partial<EndpointSettings>;
  readonly observer?: EndpointObserver;
  readonly clock?: Clock;
  /** Random numbers in [0, 1). */
  readonly random?: () => number;
}

/** A pod that a call may go to now. */
export interface Candidate<T> {
  /** `host:port` */
  readonly address: string;
  readonly session: T;
  /** Calls of this process that it is working on. */
  readonly inFlight: number;
  /** Begins a call to it. */
  begin(): Lease<T>;
}

/** The pods of one service: found again and again, each watched. Begins at once, and goes on until it is disposed. */
export class EndpointSet<T> implements Disposable {
  readonly clock: Clock;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
  readonly #options: EndpointSetOptions<T>;
  readonly #settings: EndpointSettings;
  readonly #observer: EndpointObserver;
  readonly #endpoints = new Map<string, Endpoint<T>>();
  readonly #closing = new AbortController();
  /** Wake those who wait for a change. */
  readonly #waiters = new Set<() => void>();
  #told = '';

  constructor(options: EndpointSetOptions<T>) {
    this.#options = options;
    this.#settings = { ...DEFAULT_ENDPOINT_SETTINGS, ...options.settings };
    this.#observer = options.observer ?? NO_OBSERVER;
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.random = options.random ?? Math.random;
    void this.#look();
  }

  /** Pods that calls may go to now, in no particular order. */
  get candidates(): readonly Candidate<T>[] {
    return [...this.#endpoints.values()].flatMap((endpoint) => {
      const { usable: session, address, inFlight } = endpoint;
      return session === undefined ? [] : { address, session, inFlight, begin: () => endpoint.begin(session) };
    });
  }

  /** Resolves when {@link candidates} may have changed, or after `ms` milliseconds. Never rejects. */
  async changed(ms: number, signal?: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#waiters.add(wake);
    await this.clock.sleep(ms, signal ? AbortSignal.any([signal, woken.signal]) : woken.signal);
    this.#waiters.delete(wake);
  }

  /** Ends every call and connection. */
  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#endpoints.clear();
    this.#notice();
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const found = await this.#options.resolve().catch(() => undefined);
      if (signal.aborted) return;
      this.#observer.resolved({ outcome: found === undefined ? 'failed' : found.length > 0 ? 'ok' : 'empty' });
      // A name that has no address is more often a resolver in trouble than a service without pods; those fail by themselves.
      if (found && found.length > 0) this.#update(new Set(found));
      await this.clock.sleep(this.#settings.resolveIntervalMs, signal);
    }
  }

  #update(addresses: ReadonlySet<string>): void {
    for (const [address, endpoint] of this.#endpoints) {
      if (addresses.has(address)) continue;
      this.#endpoints.delete(address);
      endpoint.retire();
    }
    const shared = {
      connect: this.#options.connect,
      tls: this.#options.tls,
      settings: this.#settings,
      observer: this.#observer,
      clock: this.clock,
      random: this.random,
      signal: this.#closing.signal,
      onChange: () => this.#notice(),
    };
    for (const address of addresses) {
      if (this.#endpoints.has(address)) continue;
      this.#endpoints.set(address, new Endpoint(address, shared));
    }
    this.#notice();
  }

  #notice(): void {
    const count = { known: this.#endpoints.size, usable: this.candidates.length };
    const told = `${count.known} ${count.usable}`;
    if (told !== this.#told) this.#observer.pods(count);
    this.#told = told;
    for (const wake of this.#waiters) wake();
  }
}
