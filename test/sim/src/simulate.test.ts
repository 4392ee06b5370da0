import { LOAD_BOUNDS } from '@eidetic/decoder-pool';
import { describe, expect, it } from 'vitest';
import type { RoutingPolicy } from './router.ts';
import type { Scenario } from './scenario.ts';
import { simulate } from './simulate.ts';
import { percentile } from './tally.ts';

const SCALING = {
  maxReplicas: 12,
  up: { percent: 100, pods: 2 },
  down: { windowMs: 60_000, podsPerMinute: 1 },
};

const SCENARIO: Scenario = {
  seed: 5,
  durationMs: 300_000,
  warmUpMs: 30_000,
  traffic: {
    dialogsPerSecond: 4,
    burst: { factor: 3, calmMs: 20_000, burstMs: 5_000 },
    day: { depth: 0.5, periodMs: 200_000 },
    turnsMean: 3,
    thinkMs: { median: 3_000, sigma: 0.5 },
    systemTokens: 50,
    questionTokens: { median: 20, sigma: 0.5 },
    answerTokens: { median: 80, sigma: 0.5 },
    maxContext: 2000,
    pictures: { share: 0.7, unique: 0.5, catalog: 200, exponent: 0.9, tokens: 256 },
  },
  times: {
    encodeMs: (pictures) => 20 + 30 * pictures,
    prefillMs: (start, end) => 2 + 0.3 * (end - start),
    stepMs: (answers) => 3 + 0.5 * answers,
    overheadMs: 10,
  },
  gateways: 3,
  routing: { policy: 'affinity', bounds: LOAD_BOUNDS, rememberedTurns: 3000 },
  cache: { capacity: 300, policy: 'lfu', ttlMs: 600_000 },
  encode: { maxBatch: 8, inFlight: 2, lingerMs: 0 },
  decoder: { slots: 16, maxContext: 2048, prefillShare: 0.5 },
  decoders: 6,
  visionPods: 2,
  startMs: 20_000,
};

const withPolicy = (policy: RoutingPolicy, scenario = SCENARIO): Scenario => ({
  ...scenario,
  routing: { ...scenario.routing, policy },
});

describe('a simulated cluster', () => {
  it('comes to the same end with the same seed, and to another with another', () => {
    expect(simulate(SCENARIO)).toEqual(simulate(SCENARIO));
    expect(simulate({ ...SCENARIO, seed: 6 }).firstTokenMs).not.toEqual(simulate(SCENARIO).firstTokenMs);
  });

  it('ends each turn once, also while pods come and go and vision goes to none', () => {
    const outcome = simulate({
      ...SCENARIO,
      warmUpMs: 0,
      decoders: 1,
      visionPods: 0,
      decoderScaling: { ...SCALING, minReplicas: 1, waitingTarget: 2, busySlotsTarget: 0.5, kvTarget: 0.8 },
      visionScaling: { ...SCALING, minReplicas: 0, backlogSecondsTarget: 0.5, counts: 'queue_and_pods' },
    });
    expect(outcome.arrived).toBeGreaterThan(2000);
    expect(outcome.ended).toBe(outcome.arrived);
    expect(outcome.firstTokenMs).toHaveLength(outcome.arrived);
    expect(outcome.mostDecoders).toBeGreaterThan(1);
  });

  it('does the same under every policy where there is one decoder', () => {
    const one = { ...SCENARIO, decoders: 1, decoder: { ...SCENARIO.decoder, slots: 64 }, gateways: 1 };
    const outcomes = (['affinity', 'least_load', 'round_robin'] as const).map((policy) =>
      simulate(withPolicy(policy, one)),
    );
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  it('finds the state of dialogs by affinity, and answers sooner for it', () => {
    const roomy = { ...SCENARIO, decoder: { ...SCENARIO.decoder, slots: 64 } };
    const [affinity, leastLoad] = [simulate(withPolicy('affinity', roomy)), simulate(withPolicy('least_load', roomy))];
    expect(affinity.warmTurns).toBeGreaterThan(0.6);
    expect(leastLoad.warmTurns).toBeLessThan(0.4);
    expect(percentile(affinity.firstTokenMs, 0.5)).toBeLessThan(percentile(leastLoad.firstTokenMs, 0.5));
  });

  it('encodes each picture once where the cache holds all', () => {
    const traffic = {
      ...SCENARIO.traffic,
      pictures: { ...SCENARIO.traffic.pictures, share: 1, unique: 0, catalog: 50 },
    };
    const { encoded } = simulate({ ...SCENARIO, warmUpMs: 0, traffic });
    expect(encoded).toBe(50);
  });

  it('takes from the first token what the parts take where nothing has to wait', () => {
    const pictures = { ...SCENARIO.traffic.pictures, share: 1, unique: 1 };
    const traffic = { ...SCENARIO.traffic, dialogsPerSecond: 0.02, turnsMean: 1, pictures };
    const { firstTokenMs } = simulate({ ...SCENARIO, durationMs: 4_000_000, traffic });
    const { encodeMs, prefillMs, overheadMs } = SCENARIO.times;
    const least = encodeMs(1) + overheadMs + prefillMs(50, 50 + 256 + 2);
    expect(firstTokenMs[0]).toBeGreaterThanOrEqual(least);
    expect(percentile(firstTokenMs, 0.5)).toBeLessThan(least + prefillMs(0, 70));
  });

  it('counts a pod from its request to the end of its last answer', () => {
    const { decoderHours, visionHours } = simulate(SCENARIO);
    expect(decoderHours).toBeCloseTo((6 * 300) / 3600);
    expect(visionHours).toBeCloseTo((2 * 300) / 3600);
  });
});
