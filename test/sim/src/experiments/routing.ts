import { baseScenario } from '../base-scenario.ts';
import { type Experiment, figuresOf, linesOf } from '../experiment.ts';
import { cpuProfile, gpuProfile, type Profile } from '../profiles.ts';
import type { RoutingPolicy } from '../router.ts';
import { simulate } from '../simulate.ts';

const POLICIES: readonly RoutingPolicy[] = ['affinity', 'least_load', 'round_robin'];

const play = (profile: Profile, slots: number, decoders: number, policy: RoutingPolicy, short = false) => {
  const base = baseScenario(profile, { decoders, load: 0.4 });
  const outcome = simulate({
    ...base,
    ...(short && { durationMs: 120_000, warmUpMs: 90_000 }),
    decoder: { ...base.decoder, slots },
    routing: { ...base.routing, policy },
  });
  return { profile: profile.name, decoders, slots, policy, ...figuresOf(outcome) };
};

/** Does it pay to send turns where their state is? With 10 to 1,000 decoders. */
export const routingExperiment: Experiment = {
  name: 'routing',
  title: 'Routing policies',
  run: () => {
    const [cpu, gpu] = [cpuProfile(), gpuProfile()];
    const rows = POLICIES.flatMap((policy) => [
      ...[10, 100].flatMap((decoders) => [4, 16, 64].map((slots) => play(cpu, slots, decoders, policy))),
      ...[10, 100].map((decoders) => play(gpu, 32, decoders, policy)),
      // Two minutes only: it is to show that choices scale and balance.
      play(cpu, 16, 1000, policy, true),
    ]);
    return {
      rows,
      chart: {
        title: 'Routing on CPU decoders with 16 slots',
        x: { label: 'decoders', log: true },
        y: { label: 'first token p95, ms', log: false },
        lines: linesOf(
          rows.filter(({ slots }) => slots === 16),
          'decoders',
          'p95, ms',
          ({ policy }) => String(policy),
        ),
      },
    };
  },
};

/** How many slots does it take? They are what dialogs' state is kept in. */
export const slotsExperiment: Experiment = {
  name: 'slots',
  title: 'Slots of a decoder',
  run: () => {
    const [cpu, gpu] = [cpuProfile(), gpuProfile()];
    const rows = (['affinity', 'least_load'] as const).flatMap((policy) => [
      ...[4, 8, 16, 32, 64, 128, 256].map((slots) => play(cpu, slots, 20, policy)),
      ...[8, 16, 32, 52].map((slots) => play(gpu, slots, 20, policy)),
    ]);
    return {
      rows,
      chart: {
        title: 'Slots of each of 20 decoders',
        x: { label: 'slots', log: true },
        y: { label: 'first token p95, ms', log: true },
        lines: linesOf(rows, 'slots', 'p95, ms', ({ profile, policy }) => `${String(profile).slice(0, 3)}, ${policy}`),
      },
    };
  },
};

/** From which load on should requests pass a decoder by? */
export const boundsExperiment: Experiment = {
  name: 'bounds',
  title: 'Bounded load',
  run: () => {
    const [cpu, gpu] = [cpuProfile(), gpuProfile()];
    const clusters = [
      { profile: cpu, slots: 4 },
      { profile: cpu, slots: 64 },
      { profile: gpu, slots: 32 },
    ];
    const rows = clusters.flatMap(({ profile, slots }) =>
      [0, 0.125, 0.25, 0.5, 0.75].flatMap((freeToUse) =>
        [1, 1.25, 1.5, 2, 4].map((loadFactor) => {
          const base = baseScenario(profile, { decoders: 20, load: 0.4 });
          const routing = { ...base.routing, bounds: { loadFactor, freeToUse } };
          const outcome = simulate({ ...base, durationMs: 250_000, decoder: { ...base.decoder, slots }, routing });
          return { profile: profile.name, slots, loadFactor, freeToUse, ...figuresOf(outcome) };
        }),
      ),
    );
    return {
      rows,
      chart: {
        title: 'Bounded load, load factor 1.25, 20 decoders',
        x: { label: 'share of its slots that a decoder fills in any case', log: false },
        y: { label: 'first token p95, ms', log: false },
        lines: linesOf(
          rows.filter(({ loadFactor }) => loadFactor === 1.25),
          'freeToUse',
          'p95, ms',
          ({ profile, slots }) => `${String(profile).slice(0, 3)}, ${slots} slots`,
        ),
      },
    };
  },
};
