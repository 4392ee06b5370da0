import { type DecoderLoad, EideticError } from '@eidetic/core';
import { createRemoteDecoder, type DecoderModel, type RemoteDecoder } from '@eidetic/decoder-rpc';
import type { Clock, Connect } from '@eidetic/endpoints';

/** Shortest time between two reports of a pod's load, in milliseconds. */
const LOAD_INTERVAL_MS = 50;

/**
 * A pod reports when its load changes. One that has not for so long knows of a call that began before, in milliseconds: another one
 * ended at the same time.
 */
const REPORTED_AFTER_MS = 3 * LOAD_INTERVAL_MS;

/** Wait before a pod is asked again that stopped telling its load. */
const RETRY_MS = 1000;

/** A decoder that is connected, and what it has to do as far as is known. */
export class Pod {
  readonly decoder: RemoteDecoder;
  #load: DecoderLoad = { running: 0, waiting: 0, slots: 1, kvUsage: 0 };
  readonly #clock: Clock;
  /** When this process began the calls that run and that no report can tell of yet; milliseconds since 1970. */
  readonly #unreported = new Map<object, number>();

  constructor(decoder: RemoteDecoder, clock: Clock) {
    this.decoder = decoder;
    this.#clock = clock;
  }

  get model(): DecoderModel {
    return this.decoder.model;
  }

  get slots(): number {
    return this.#load.slots;
  }

  /** Requests that the pod runs or that wait there, of all processes: at least the `inFlight` ones of this process. */
  requests(inFlight: number): number {
    const sinceMs = this.#clock.now() - REPORTED_AFTER_MS;
    const unreported = this.#unreported.values().filter((begunMs) => begunMs > sinceMs);
    return Math.max(inFlight, this.#load.running + this.#load.waiting + [...unreported].length);
  }

  /** Counts a call from now on, until what is returned is called. */
  begin(): () => void {
    const call = {};
    this.#unreported.set(call, this.#clock.now());
    return () => void this.#unreported.delete(call);
  }

  /**
   * Listens to what the pod says of its load until `signal` aborts; resolves when it has said it once.
   *
   * @throws EideticError when it does not get to that.
   */
  async listen(signal: AbortSignal): Promise<void> {
    const loads = this.decoder.watchLoad(LOAD_INTERVAL_MS, signal)[Symbol.asyncIterator]();
    const first = await loads.next();
    if (first.done) throw new EideticError('unavailable', 'The decoder does not tell its load.');
    this.#take(first.value);
    void this.#goOn({ [Symbol.asyncIterator]: () => loads }, signal);
  }

  async #goOn(first: AsyncIterable<DecoderLoad>, signal: AbortSignal): Promise<void> {
    for (let loads = first; !signal.aborted; loads = this.decoder.watchLoad(LOAD_INTERVAL_MS, signal)) {
      try {
        for await (const load of loads) this.#take(load);
      } catch {
        // The last load stands until it is told again; that the pod cannot be reached is for health to say.
      }
      await this.#clock.sleep(RETRY_MS, signal);
    }
  }

  #take(load: DecoderLoad): void {
    this.#load = load;
    this.#unreported.clear();
  }
}

/** Connects pods: asks for the model, and listens to the load. */
export const connectPod =
  (clock: Clock): Connect<Pod> =>
  async (channel, signal) => {
    const pod = new Pod(await createRemoteDecoder(channel, signal), clock);
    await pod.listen(signal);
    return pod;
  };
