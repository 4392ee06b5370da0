import type { ScalingOptions } from './autoscaler.ts';
import type { CacheOptions } from './embedding-cache.ts';
import type { EncodeOptions } from './encode-stage.ts';
import type { RoutingOptions } from './router.ts';
import type { ServiceTimes } from './service-times.ts';
import type { DecoderOptions } from './simulated-decoder.ts';
import type { Traffic } from './traffic.ts';

/** When decoders are added: what each of them should have at most, on average. */
export interface DecoderScaling extends ScalingOptions {
  readonly waitingTarget: number;
  readonly busySlotsTarget: number;
  readonly kvTarget: number;
}

/** When vision pods are added. */
export interface VisionScaling extends ScalingOptions {
  /** Seconds of work that may wait for each. */
  readonly backlogSecondsTarget: number;
  /** Pictures that count: those in the queue, or those at vision pods as well, as in eidetic_encode_queue_backlog_seconds. */
  readonly counts: 'queue' | 'queue_and_pods';
  /** Share of the time that each should run the graph, of the last minute; undefined: it does not matter. */
  readonly busyTarget?: number;
}

/** A cluster and what comes to it. */
export interface Scenario {
  readonly seed: number;
  /** Time in which dialogs begin. */
  readonly durationMs: number;
  /** Turns that come before are not counted. */
  readonly warmUpMs: number;
  readonly traffic: Traffic;
  readonly times: ServiceTimes;
  readonly gateways: number;
  readonly routing: RoutingOptions;
  readonly cache: CacheOptions;
  readonly encode: Omit<EncodeOptions, 'gateways'>;
  readonly decoder: DecoderOptions;
  /** At the start, and always unless they are scaled. */
  readonly decoders: number;
  readonly visionPods: number;
  /** From the request for a pod to its first answer. */
  readonly startMs: number;
  readonly decoderScaling?: DecoderScaling;
  readonly visionScaling?: VisionScaling;
}
