import type { Events } from './events.ts';
import type { Random } from './random.ts';
import type { ServiceTimes } from './service-times.ts';

/** How pictures get to vision encoders. */
export interface EncodeOptions {
  readonly gateways: number;
  /** Most pictures of one call (EIDETIC_ENCODE_BATCH), and of one run of the graph (EIDETIC_VISION_BATCH). */
  readonly maxBatch: number;
  /** Most calls of one gateway at a time (EIDETIC_ENCODES_IN_FLIGHT). */
  readonly inFlight: number;
  /** Time that a batch which is not full waits for company (EIDETIC_ENCODE_LINGER). */
  readonly lingerMs: number;
}

interface Job {
  readonly picture: number;
  readonly addedMs: number;
  readonly encoded: (() => void)[];
}

interface Call {
  readonly gateway: number;
  left: number;
}

/** A vision pod: runs what waits there together. */
class VisionPod {
  readonly waiting: { readonly job: Job; readonly call: Call }[] = [];
  /** Calls of each gateway, which is all that a gateway goes by. */
  readonly calls: Int32Array;
  running = 0;
  onIdle: (() => void) | undefined;

  constructor(gateways: number) {
    this.calls = new Int32Array(gateways);
  }

  get pictures(): number {
    return this.waiting.length + this.running;
  }
}

/** The encode queue that gateways share, the gateways as its consumers, and the vision pods. */
export class EncodeStage {
  readonly #options: EncodeOptions;
  readonly #times: ServiceTimes;
  readonly #events: Events;
  readonly #random: Random;
  readonly #queue: Job[] = [];
  /** By picture, until it is encoded. */
  readonly #jobs = new Map<number, Job>();
  readonly #calls: Int32Array;
  readonly #pods: VisionPod[] = [];
  /** Pictures that were encoded, and runs that it took. */
  readonly counts = { encoded: 0, runs: 0 };
  /** Time that runs have taken, all pods together; a run counts when it begins. */
  busyMs = 0;

  constructor(
    options: EncodeOptions,
    parts: { readonly times: ServiceTimes; readonly events: Events; readonly random: Random },
  ) {
    this.#options = options;
    this.#times = parts.times;
    this.#events = parts.events;
    this.#random = parts.random;
    this.#calls = new Int32Array(options.gateways);
  }

  /** Pictures that no gateway has given to a vision pod. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Pictures at vision pods. */
  get atPods(): number {
    return this.#pods.reduce((sum, pod) => sum + pod.pictures, 0);
  }

  /** Vision pods that take pictures. */
  get pods(): number {
    return this.#pods.length;
  }

  addPod(): void {
    this.#pods.push(new VisionPod(this.#options.gateways));
    this.#dispatch();
  }

  /** Takes a pod out; `idle` is called when it has ended what it had. */
  removePod(idle: () => void): void {
    const pod = this.#pods.pop();
    if (!pod || pod.pictures === 0) idle();
    else pod.onIdle = idle;
  }

  /** Has a picture encoded, once for all who ask meanwhile. */
  encode(picture: number, encoded: () => void): void {
    const known = this.#jobs.get(picture);
    if (known) {
      known.encoded.push(encoded);
      return;
    }
    const job = { picture, addedMs: this.#events.nowMs, encoded: [encoded] };
    this.#jobs.set(picture, job);
    this.#queue.push(job);
    if (this.#options.lingerMs > 0) this.#events.in(this.#options.lingerMs, () => this.#dispatch());
    this.#dispatch();
  }

  #dispatch(): void {
    const { maxBatch, lingerMs } = this.#options;
    while (this.#pods.length > 0) {
      const [oldest] = this.#queue;
      if (!oldest) return;
      const isDue = this.#queue.length >= maxBatch || this.#events.nowMs >= oldest.addedMs + lingerMs;
      const gateway = isDue ? this.#freeGateway() : undefined;
      if (gateway === undefined) return;
      this.#send(gateway, this.#queue.splice(0, maxBatch));
    }
  }

  /** Any gateway that may have one more call under way. */
  #freeGateway(): number | undefined {
    const { gateways, inFlight } = this.#options;
    const first = this.#random.below(gateways);
    for (let i = 0; i < gateways; i++) {
      const gateway = (first + i) % gateways;
      if ((this.#calls[gateway] ?? 0) < inFlight) return gateway;
    }
    return undefined;
  }

  #send(gateway: number, batch: readonly Job[]): void {
    const pod = this.#leastLoaded(gateway);
    const call = { gateway, left: batch.length };
    this.#calls[gateway] = (this.#calls[gateway] ?? 0) + 1;
    pod.calls[gateway] = (pod.calls[gateway] ?? 0) + 1;
    for (const job of batch) pod.waiting.push({ job, call });
    if (pod.running === 0) this.#run(pod);
  }

  /** The pod with the fewest calls of this gateway; any of several. */
  #leastLoaded(gateway: number): VisionPod {
    const least = Math.min(...this.#pods.map(({ calls }) => calls[gateway] ?? 0));
    const equals = this.#pods.filter(({ calls }) => calls[gateway] === least);
    const pod = equals[this.#random.below(equals.length)];
    if (!pod) throw new Error('There is no vision pod.');
    return pod;
  }

  #run(pod: VisionPod): void {
    const batch = pod.waiting.splice(0, this.#options.maxBatch);
    pod.running = batch.length;
    this.counts.runs++;
    const tookMs = this.#times.encodeMs(batch.length);
    this.busyMs += tookMs;
    this.#events.in(tookMs, () => {
      pod.running = 0;
      for (const { job, call } of batch) {
        this.#jobs.delete(job.picture);
        this.counts.encoded++;
        if (--call.left === 0) {
          this.#calls[call.gateway] = (this.#calls[call.gateway] ?? 0) - 1;
          pod.calls[call.gateway] = (pod.calls[call.gateway] ?? 0) - 1;
        }
        for (const encoded of job.encoded) encoded();
      }
      if (pod.waiting.length > 0) this.#run(pod);
      else pod.onIdle?.();
      this.#dispatch();
    });
  }
}
