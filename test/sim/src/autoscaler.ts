/** How pods are scaled: `behavior` of a HorizontalPodAutoscaler, and what KEDA adds. */
export interface ScalingOptions {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Most pods that are added in 30 s: so many percent of them or so many, whichever is more. */
  readonly up: { readonly percent: number; readonly pods: number };
  /** Pods that go in a minute at most, once fewer were enough for so long. */
  readonly down: { readonly windowMs: number; readonly podsPerMinute: number };
}

/** One metric: a sum over all pods, of which each should have `target`. */
export interface ScalingMetric {
  readonly sum: number;
  readonly target: number;
}

/** Time between two looks of the autoscaler (horizontal-pod-autoscaler-sync-period). */
export const SCALING_INTERVAL_MS = 15_000;

/** A ratio of use to target that differs so little from 1 changes nothing (horizontal-pod-autoscaler-tolerance). */
const TOLERANCE = 0.1;

const UP_PERIOD_MS = 30_000;
const DOWN_PERIOD_MS = 60_000;

/** Time without work after which KEDA goes from one pod to none (cooldownPeriod). */
const COOLDOWN_MS = 300_000;

interface Timed {
  readonly atMs: number;
  readonly pods: number;
}

/**
 * Decides how many pods there are, as a HorizontalPodAutoscaler over metrics of the kind AverageValue does, with no wait before it
 * scales up; with `minReplicas` 0 as KEDA does with it: none while there is no work for five minutes.
 */
export class Autoscaler {
  readonly #options: ScalingOptions;
  #recommended: Timed[] = [];
  /** Pods that were added (above 0) or removed. */
  #changes: Timed[] = [];
  #activeMs = 0;

  constructor(options: ScalingOptions) {
    this.#options = options;
  }

  /** One look. Returns how many pods there should be from now on. */
  look(nowMs: number, replicas: number, metrics: readonly ScalingMetric[]): number {
    const isActive = metrics.some(({ sum }) => sum > 0);
    if (isActive) this.#activeMs = nowMs;
    if (replicas === 0 && !isActive) return 0;
    const next = replicas === 0 ? 1 : this.#next(nowMs, replicas, metrics);
    const mayRest = this.#options.minReplicas === 0 && nowMs - this.#activeMs >= COOLDOWN_MS;
    const wanted = mayRest && next === 1 ? 0 : next;
    if (wanted !== replicas) this.#changes.push({ atMs: nowMs, pods: wanted - replicas });
    return wanted;
  }

  #next(nowMs: number, replicas: number, metrics: readonly ScalingMetric[]): number {
    const { maxReplicas, down } = this.#options;
    const least = Math.max(1, this.#options.minReplicas);
    const metricsSay = Math.max(...metrics.map((metric) => recommend(replicas, metric)));
    const recommended = Math.min(Math.max(metricsSay, least), maxReplicas);
    // What there was at the first look counts as recommended.
    if (this.#recommended.length === 0) this.#recommended.push({ atMs: nowMs, pods: replicas });
    this.#recommended.push({ atMs: nowMs, pods: recommended });
    this.#recommended = this.#recommended.filter(({ atMs }) => atMs > nowMs - down.windowMs || atMs === nowMs);
    this.#changes = this.#changes.filter(({ atMs }) => atMs > nowMs - Math.max(UP_PERIOD_MS, DOWN_PERIOD_MS));
    if (recommended > replicas) return Math.min(recommended, this.#ceiling(nowMs, replicas));
    const stable = Math.min(replicas, Math.max(...this.#recommended.map(({ pods }) => pods)));
    return Math.max(stable, Math.min(replicas, this.#floor(nowMs, replicas)));
  }

  #ceiling(nowMs: number, replicas: number): number {
    const { percent, pods } = this.#options.up;
    const before = replicas - this.#changed(nowMs - UP_PERIOD_MS, 1);
    return Math.max(replicas, Math.ceil(before * (1 + percent / 100)), before + pods);
  }

  #floor(nowMs: number, replicas: number): number {
    return replicas + this.#changed(nowMs - DOWN_PERIOD_MS, -1) - this.#options.down.podsPerMinute;
  }

  /** Pods that were added (sign 1) or removed (-1) since then. */
  #changed(sinceMs: number, sign: number): number {
    return this.#changes.reduce(
      (sum, { atMs, pods }) => sum + (atMs > sinceMs && pods * sign > 0 ? pods * sign : 0),
      0,
    );
  }
}

const recommend = (replicas: number, { sum, target }: ScalingMetric): number => {
  const ratio = sum / (target * replicas);
  return Math.abs(ratio - 1) <= TOLERANCE ? replicas : Math.ceil(sum / target);
};
