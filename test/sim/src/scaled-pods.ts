import type { Events } from './events.ts';

/** What starts and stops pods. */
export interface ScaledPodsOptions {
  readonly events: Events;
  readonly initial: number;
  /** From the request for a pod to its first answer. */
  readonly startMs: number;
  /** A pod is ready. */
  readonly add: () => void;
  /** A pod gets nothing more; `idle` is to be called when it has ended what it had. */
  readonly remove: (idle: () => void) => void;
}

/** The pods of a service: they take time to start and to drain, and all of it is paid for. */
export class ScaledPods {
  readonly #options: ScaledPodsOptions;
  /** Starts under way, the latest last. */
  readonly #starting: { isCancelled: boolean }[] = [];
  #wanted = 0;
  #paid = 0;
  #most = 0;
  #sumMs = 0;
  #since = 0;

  constructor(options: ScaledPodsOptions) {
    this.#options = options;
    this.#wanted = options.initial;
    this.#pay(options.initial);
    for (let i = 0; i < options.initial; i++) options.add();
  }

  /** Pods that are ready or starting. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Most that were there at a time. */
  get most(): number {
    return this.#most;
  }

  /** Hours of pods up to now. */
  get hours(): number {
    this.#pay(0);
    return this.#sumMs / 3_600_000;
  }

  scaleTo(wanted: number): void {
    while (this.#wanted < wanted) this.#start();
    while (this.#wanted > wanted) this.#stop();
  }

  #start(): void {
    const start = { isCancelled: false };
    this.#wanted++;
    this.#pay(1);
    this.#starting.push(start);
    this.#options.events.in(this.#options.startMs, () => {
      if (start.isCancelled) return;
      this.#starting.splice(this.#starting.indexOf(start), 1);
      this.#options.add();
    });
  }

  /** What still starts goes first. */
  #stop(): void {
    this.#wanted--;
    const start = this.#starting.pop();
    if (start) {
      start.isCancelled = true;
      this.#pay(-1);
    } else this.#options.remove(() => this.#pay(-1));
  }

  #pay(change: number): void {
    const { nowMs } = this.#options.events;
    this.#sumMs += this.#paid * (nowMs - this.#since);
    this.#since = nowMs;
    this.#paid += change;
    this.#most = Math.max(this.#most, this.#paid);
  }
}
