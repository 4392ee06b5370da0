import { EideticError, type EndpointObserver } from '@eidetic/core';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { type ChannelTls, RpcChannel } from '@eidetic/rpc';
import {
  admits,
  afterBegin,
  afterFailure,
  afterNothing,
  afterSuccess,
  type Breaker,
  CLOSED,
} from './circuit-breaker.ts';
import type { Clock } from './clock.ts';
import type { CallOutcome, Lease } from './lease.ts';
import type { EndpointSettings } from './settings.ts';

/**
 * Makes what calls to a pod need, such as what it says of its model; tried again while the pod serves. What it starts must end
 * when `signal` aborts: the pod drains or is gone, which calls that run may survive.
 */
export type Connect<T> = (channel: RpcChannel, signal: AbortSignal) => Promise<T>;

/** What an endpoint works with. */
export interface EndpointParts<T> {
  readonly connect: Connect<T>;
  /** Absent: nothing is encrypted. */
  readonly tls?: ChannelTls | undefined;
  readonly settings: EndpointSettings;
  readonly clock: Clock;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
  readonly observer: EndpointObserver;
  /** Ends everything at once when it aborts, calls that run included. */
  readonly signal: AbortSignal;
  /** Called when {@link Endpoint.usable} may have changed. */
  readonly onChange: () => void;
}

/** An answer that is late may have come while this process stood still: so long it gets to read it. */
const GRACE_MS = 50;

/** Wait before a pod that could not be reached is tried again; channels wait by themselves, up to five seconds. */
const RECONNECT_MS = 100;

/**
 * One pod: a channel, what health says of it, whether it answers, and its circuit breaker. Two questions run side by side: Watch tells
 * at once when it begins to serve or to drain; Check, asked again and again, tells whether anybody answers at all.
 */
export class Endpoint<T> {
  readonly address: string;
  readonly #parts: EndpointParts<T>;
  readonly #channel: RpcChannel;
  readonly #closing = new AbortController();
  /** Each with what aborts it. */
  readonly #leases = new Set<AbortController>();
  #breaker: Breaker = CLOSED;
  #session: T | undefined;
  #answers = true;
  #retired = false;

  constructor(address: string, parts: EndpointParts<T>) {
    this.address = address;
    this.#parts = parts;
    this.#channel = new RpcChannel(address, { tls: parts.tls });
    parts.signal.addEventListener('abort', this.#close, { once: true });
    void this.#watch();
    void this.#probe();
  }

  /** Calls that run. */
  get inFlight(): number {
    return this.#leases.size;
  }

  /** What the pod was connected with, if calls may go there now. */
  get usable(): T | undefined {
    return !this.#retired && this.#answers && admits(this.#breaker, this.#parts.clock.now())
      ? this.#session
      : undefined;
  }

  /** Begins a call. Only while the pod is {@link usable}. */
  begin(session: T): Lease<T> {
    const life = new AbortController();
    this.#leases.add(life);
    this.#setBreaker(afterBegin(this.#breaker));
    let reported = false;
    const report = (outcome: CallOutcome): void => {
      reported = true;
      this.#report(outcome);
    };
    const end = (): void => {
      if (!reported) report('nothing');
      this.#leases.delete(life);
      this.#closeIfDone();
    };
    return { address: this.address, session, lost: life.signal, report, end };
  }

  /** Takes no more calls; those that run may end. */
  retire(): void {
    this.#retired = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#retired && this.#leases.size === 0) this.#close();
  }

  readonly #close = (): void => {
    this.#parts.signal.removeEventListener('abort', this.#close);
    this.#retired = true;
    this.#abandon(new EideticError('unavailable', 'The service is shutting down.'));
    this.#closing.abort();
    this.#channel[Symbol.dispose]();
  };

  #abandon(reason: EideticError): void {
    for (const life of this.#leases) life.abort(reason);
  }

  #report(outcome: CallOutcome): void {
    const { clock, random, settings } = this.#parts;
    if (outcome === 'ok') this.#setBreaker(afterSuccess(this.#breaker));
    else if (outcome === 'nothing') this.#setBreaker(afterNothing(this.#breaker, clock.now()));
    else this.#setBreaker(afterFailure(this.#breaker, clock.now(), random(), settings.breaker));
  }

  #setBreaker(breaker: Breaker): void {
    const changed = breaker.state !== this.#breaker.state;
    this.#breaker = breaker;
    if (!changed) return;
    this.#parts.observer.breaker({ state: breaker.state });
    this.#parts.onChange();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let serving = new AbortController();
      try {
        const watch = this.#channel.stream(HealthDefinition, 'watch', { service: '' }, { signal });
        for await (const { status } of watch) {
          this.#disconnect(serving);
          if (status !== ServingStatus.SERVING) continue;
          serving = new AbortController();
          void this.#connect(serving.signal);
        }
      } catch {
        // Whatever the reason, it does not serve now, and is asked again.
      }
      this.#disconnect(serving);
      await this.#parts.clock.sleep(RECONNECT_MS, signal);
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { connect, clock, settings, onChange } = this.#parts;
    while (!signal.aborted) {
      try {
        const session = await connect(this.#channel, signal);
        if (signal.aborted) return;
        this.#session = session;
        onChange();
        return;
      } catch {
        // It is not usable meanwhile, which is what callers are told.
        await clock.sleep(settings.probeIntervalMs, signal);
      }
    }
  }

  #disconnect(serving: AbortController): void {
    serving.abort();
    if (this.#session === undefined) return;
    this.#session = undefined;
    this.#parts.onChange();
  }

  async #probe(): Promise<void> {
    const { clock, settings } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const asking = new AbortController();
      const either = AbortSignal.any([signal, asking.signal]);
      const late = async (): Promise<boolean> => {
        await clock.sleep(settings.probeTimeoutMs, either);
        await clock.sleep(GRACE_MS, either);
        return false;
      };
      const check = this.#channel.unary(HealthDefinition, 'check', { service: '' }, { signal: either });
      // An error is no hang: it is an answer, or a lost connection, of which Watch and the running calls know.
      const answers = await Promise.race([
        check.then(
          () => true,
          () => undefined,
        ),
        late(),
      ]);
      asking.abort();
      if (answers !== undefined && !signal.aborted) this.#setAnswers(answers);
      await clock.sleep(settings.probeIntervalMs, signal);
    }
  }

  #setAnswers(answers: boolean): void {
    if (!answers) this.#abandon(new EideticError('unavailable', `${this.address} does not answer any more.`));
    if (answers === this.#answers) return;
    this.#answers = answers;
    if (!answers) this.#parts.observer.hung();
    this.#parts.onChange();
  }
}
