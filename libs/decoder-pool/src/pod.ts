import { type DecoderLoad, EideticError } from '@eidetic/core';
import { createRemoteDecoder, type DecoderModel, type RemoteDecoder } from '@eidetic/decoder-rpc';
import type { Clock, Connect } from '@eidetic/endpoints';

/** Shortest time between two reports of a pod's load, in milliseconds. */
const LOAD_INTERVAL_MS = 50;

/** Wait before a pod is asked again that stopped telling its load. */
const RETRY_MS = 1000;

/** A decoder that is connected, and what it has to do as far as is known. */
export class Pod {
  readonly decoder: RemoteDecoder;
  #load: DecoderLoad = { running: 0, waiting: 0, slots: 1, kvUsage: 0 };
  /** What this process began and ended since the pod said how busy it is. */
  #since = 0;

  constructor(decoder: RemoteDecoder) {
    this.decoder = decoder;
  }

  get model(): DecoderModel {
    return this.decoder.model;
  }

  get slots(): number {
    return this.#load.slots;
  }

  /** Requests that the pod runs or that wait there, of all processes: at least the `inFlight` ones of this process. */
  requests(inFlight: number): number {
    return Math.max(inFlight, this.#load.running + this.#load.waiting + this.#since);
  }

  began(): void {
    this.#since++;
  }

  ended(): void {
    this.#since--;
  }

  /**
   * Listens to what the pod says of its load until `signal` aborts; resolves when it has said it once.
   *
   * @throws EideticError when it does not get to that.
   */
  async listen(clock: Clock, signal: AbortSignal): Promise<void> {
    const loads = this.decoder.watchLoad(LOAD_INTERVAL_MS, signal)[Symbol.asyncIterator]();
    const first = await loads.next();
    if (first.done) throw new EideticError('unavailable', 'The decoder does not tell its load.');
    this.#take(first.value);
    void this.#goOn({ [Symbol.asyncIterator]: () => loads }, clock, signal);
  }

  async #goOn(loads: AsyncIterable<DecoderLoad>, clock: Clock, signal: AbortSignal): Promise<void> {
    try {
      for await (const load of loads) this.#take(load);
    } catch {
      // The last load stands until it is told again; that the pod cannot be reached is for health to say.
    }
    await clock.sleep(RETRY_MS, signal);
    if (!signal.aborted) await this.#goOn(this.decoder.watchLoad(LOAD_INTERVAL_MS, signal), clock, signal);
  }

  #take(load: DecoderLoad): void {
    this.#load = load;
    this.#since = 0;
  }
}

/** Connects pods: asks for the model, and listens to the load. */
export const connectPod =
  (clock: Clock): Connect<Pod> =>
  async (channel, signal) => {
    const pod = new Pod(await createRemoteDecoder(channel, signal));
    await pod.listen(clock, signal);
    return pod;
  };
