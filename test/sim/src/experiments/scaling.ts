import { baseScenario } from '../base-scenario.ts';
import { type Experiment, figuresOf, linesOf } from '../experiment.ts';
import { cpuProfile, gpuProfile, type Profile } from '../profiles.ts';
import type { DecoderScaling, Scenario, VisionScaling } from '../scenario.ts';
import { simulate } from '../simulate.ts';

const HOUR_MS = 3_600_000;

/** A day's ups and downs in a shorter period: pods that are scaled fast enough for these are for real days. */
const day = (base: Scenario, periodMs: number): Scenario => ({
  ...base,
  durationMs: periodMs,
  warmUpMs: periodMs / 6,
  traffic: { ...base.traffic, day: { depth: 0.8, periodMs } },
});

/** What the chart has. */
const DECODER: DecoderScaling = {
  minReplicas: 2,
  maxReplicas: 40,
  up: { percent: 100, pods: 2 },
  down: { windowMs: 600_000, podsPerMinute: 1 },
  waitingTarget: 4,
  busySlotsTarget: 0.8,
  kvTarget: 0.8,
};

const VISION: VisionScaling = {
  minReplicas: 2,
  maxReplicas: 40,
  up: { percent: 100, pods: 2 },
  down: { windowMs: 300_000, podsPerMinute: 1 },
  backlogSecondsTarget: 2,
  counts: 'queue_and_pods',
};

/** What should decoders be scaled by? */
export const decoderScalingExperiment: Experiment = {
  name: 'decoder-scaling',
  title: 'Autoscaling of decoders',
  run: () => {
    const profile = gpuProfile();
    const base = day(baseScenario(profile, { decoders: 8, load: 0.5 }), HOUR_MS);
    const variants = [
      ...[0.2, 0.3, 0.4, 0.5, 0.6, 0.8].map((busySlotsTarget) => ({ busySlotsTarget })),
      ...[1, 2, 8, 16].map((waitingTarget) => ({ waitingTarget })),
      ...[0.1, 0.2, 0.4].map((kvTarget) => ({ kvTarget })),
      ...[60, 300].map((seconds) => ({ busySlotsTarget: 0.5, down: { windowMs: seconds * 1000, podsPerMinute: 1 } })),
    ];
    const fixed = [4, 8, 12].map((decoders) => {
      return { scaled: 'no', 'decoders at the start': decoders, ...figuresOf(simulate({ ...base, decoders })) };
    });
    const rows = variants.map((variant) => {
      const decoderScaling = { ...DECODER, ...variant };
      return {
        scaled: 'yes',
        'busy slots': decoderScaling.busySlotsTarget,
        waiting: decoderScaling.waitingTarget,
        'KV use': decoderScaling.kvTarget,
        'down after, s': decoderScaling.down.windowMs / 1000,
        ...figuresOf(simulate({ ...base, decoders: 2, decoderScaling })),
      };
    });
    const bySlots = rows.slice(0, 6).map((row) => ({ ...row, by: 'busy slots' }));
    const byWaiting = rows.slice(6, 10).map((row) => ({ ...row, by: 'waiting requests' }));
    const byKv = rows.slice(10, 13).map((row) => ({ ...row, by: 'KV use' }));
    const always = fixed.map((row) => ({ ...row, by: 'not scaled' }));
    return {
      rows: [...fixed, ...rows],
      chart: {
        title: 'GPU decoders over a day of one hour: what a target costs',
        x: { label: 'decoder pod-hours', log: false },
        y: { label: 'first token p99, ms', log: true },
        lines: linesOf([...bySlots, ...byWaiting, ...byKv, ...always], 'decoder pod-hours', 'p99, ms', ({ by }) =>
          String(by),
        ),
      },
    };
  },
};

/** Ten gateways, and each dialog one turn about a picture of its own: as many as three vision pods encode. Decoders take hardly any time. */
const picturesAlone = (profile: Profile): Scenario => {
  const base = baseScenario(profile, { decoders: 10, load: 0.4 });
  const pictures = { ...base.traffic.pictures, share: 1, unique: 1 };
  const dialogsPerSecond = (3 * 8000) / profile.times.encodeMs(8);
  return {
    ...base,
    gateways: 10,
    routing: { ...base.routing, policy: 'round_robin' },
    times: { ...profile.times, prefillMs: () => 1, stepMs: () => 0.001 },
    traffic: { ...base.traffic, turnsMean: 1, dialogsPerSecond, pictures },
  };
};

/** What should vision encoders be scaled by, and may they go to none? */
export const visionScalingExperiment: Experiment = {
  name: 'vision-scaling',
  title: 'Autoscaling of vision encoders',
  run: () => {
    const rows = [cpuProfile(), gpuProfile()].flatMap((profile) => {
      const base = day(picturesAlone(profile), HOUR_MS / 2);
      const variants: readonly Partial<VisionScaling>[] = [
        ...(['queue', 'queue_and_pods'] as const).flatMap((counts) =>
          [0.5, 2].map((backlogSecondsTarget) => ({ counts, backlogSecondsTarget })),
        ),
        ...[0.3, 0.4, 0.5, 0.6, 0.7].map((busyTarget) => ({ busyTarget })),
        { busyTarget: 0.4, minReplicas: 1 },
        { busyTarget: 0.4, minReplicas: 0 },
        { busyTarget: 0.4, down: { windowMs: 60_000, podsPerMinute: 1 } },
        { busyTarget: 0.4, down: { windowMs: 600_000, podsPerMinute: 1 } },
      ];
      return variants.map((variant) => {
        const visionScaling = { ...VISION, ...variant };
        const outcome = simulate({ ...base, visionPods: visionScaling.minReplicas, visionScaling });
        return {
          profile: profile.name,
          counts: visionScaling.counts,
          'backlog, s': visionScaling.backlogSecondsTarget,
          'busy, %': visionScaling.busyTarget === undefined ? 'no' : 100 * visionScaling.busyTarget,
          least: visionScaling.minReplicas,
          'down after, s': visionScaling.down.windowMs / 1000,
          ...figuresOf(outcome),
        };
      });
    });
    return {
      rows,
      chart: {
        title: 'Vision encoders over a day of half an hour: what a target costs',
        x: { label: 'vision pod-hours', log: false },
        y: { label: 'turns whose first token takes over 1 s, %', log: false },
        lines: linesOf(
          rows.filter((row) => row.least === 2 && row['down after, s'] === 300),
          'vision pod-hours',
          'over 1 s, %',
          (row) => `${String(row.profile).slice(0, 3)}, ${row['busy, %'] === 'no' ? row.counts : 'and busy time'}`,
        ),
      },
    };
  },
};
