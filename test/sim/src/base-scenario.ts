import { LOAD_BOUNDS } from '@eidetic/decoder-pool';
import type { Profile } from './profiles.ts';
import type { Scenario } from './scenario.ts';
import type { Traffic } from './traffic.ts';

/**
 * People who talk about pictures. These numbers are assumptions: prompts and answers short enough for 2,048 positions, a reader who
 * reads and types, half of the pictures somebody's own and half of them by Zipf's law, bursts to three times the calm rate.
 */
const TRAFFIC: Omit<Traffic, 'dialogsPerSecond'> = {
  burst: { factor: 3, calmMs: 30_000, burstMs: 5_000 },
  day: { depth: 0, periodMs: 86_400_000 },
  turnsMean: 3.5,
  thinkMs: { median: 15_000, sigma: 0.8 },
  systemTokens: 60,
  questionTokens: { median: 25, sigma: 0.7 },
  answerTokens: { median: 100, sigma: 0.8 },
  maxContext: 2048,
  pictures: { share: 0.8, unique: 0.5, catalog: 20_000, exponent: 0.9, tokens: 256 },
};

/** Mean positions of a dialog in a slot, and of a prompt that its decoder does not hold: picture and all at the first turn, then question and answer. */
const MEAN_POSITIONS = 600;
const MEAN_COMPUTED = 200;
const MEAN_ANSWER = 100 * Math.exp(0.8 ** 2 / 2);

/** Turns that a decoder answers in a second with all slots busy, if turns find the state of the last one. */
const capacity = ({ times, slots }: Profile): number => {
  const prefillMs = times.prefillMs(MEAN_POSITIONS - MEAN_COMPUTED, MEAN_POSITIONS);
  const answerMs = (MEAN_ANSWER * times.stepMs(slots, slots * MEAN_POSITIONS)) / slots;
  return 1000 / (prefillMs + answerMs);
};

/** Size of an upload, which Redis keeps beside its embedding. An assumption. */
export const UPLOAD_BYTES = 300 * 1024;

/** What is asked of a cluster. */
export interface Size {
  readonly decoders: number;
  /** Share of what the decoders could answer at best. */
  readonly load: number;
}

/** A cluster with the defaults of code and chart, big enough in vision pods, under the usual traffic. */
export const baseScenario = (profile: Profile, { decoders, load }: Size): Scenario => {
  const turnsPerSecond = load * decoders * capacity(profile);
  const dialogsPerSecond = turnsPerSecond / TRAFFIC.turnsMean;
  const encodesPerSecond = dialogsPerSecond * TRAFFIC.pictures.share;
  const perPod = 8000 / profile.times.encodeMs(8);
  const gateways = Math.max(2, Math.ceil(decoders / 20));
  return {
    seed: 1,
    durationMs: 400_000,
    warmUpMs: 100_000,
    traffic: { ...TRAFFIC, dialogsPerSecond },
    times: profile.times,
    gateways,
    // A gateway remembers 65,536 blocks (KNOWN_BEGINNINGS), of which a turn of question and answer takes about 20.
    routing: { policy: 'affinity', bounds: LOAD_BOUNDS, rememberedTurns: Math.floor(65_536 / 20) },
    cache: { capacity: 20_000, policy: 'lfu', ttlMs: 3_600_000 },
    encode: { maxBatch: 8, inFlight: 4, lingerMs: 0 },
    decoder: { slots: profile.slots, maxContext: profile.maxContext, prefillShare: 0.5 },
    decoders,
    visionPods: Math.max(1, Math.ceil((1.6 * encodesPerSecond) / perPod)),
    startMs: profile.startMs,
  };
};
