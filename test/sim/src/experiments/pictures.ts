import { baseScenario, UPLOAD_BYTES } from '../base-scenario.ts';
import { type Experiment, figuresOf, linesOf } from '../experiment.ts';
import { cpuProfile, gpuProfile } from '../profiles.ts';
import { simulate } from '../simulate.ts';

const GIB = 1024 ** 3;

/** How large should the Redis of embeddings be, and what should it forget? */
export const cacheExperiment: Experiment = {
  name: 'cache',
  title: 'Size and policy of the embedding cache',
  run: () => {
    const profile = gpuProfile();
    const base = baseScenario(profile, { decoders: 10, load: 0.4 });
    const bytes = profile.embeddingBytes + UPLOAD_BYTES;
    const settings = [
      ...[0.5, 1, 2, 4, 8, 16, 32, 64].flatMap((gib) =>
        (['lru', 'lfu'] as const).map((policy) => ({ gib, policy, ttlMinutes: 60 })),
      ),
      ...[1, 5, 15].map((ttlMinutes) => ({ gib: 64, policy: 'lfu' as const, ttlMinutes })),
    ];
    const rows = settings.map(({ gib, policy, ttlMinutes }) => {
      const cache = { capacity: Math.floor((gib * GIB) / bytes), policy, ttlMs: ttlMinutes * 60_000 };
      const outcome = simulate({ ...base, durationMs: 2_400_000, warmUpMs: 1_200_000, cache });
      return { gib, policy, ttlMinutes, entries: cache.capacity, ...figuresOf(outcome) };
    });
    return {
      rows,
      chart: {
        title: 'Embedding cache, 13 new dialogs about pictures a second',
        x: { label: 'GiB (4.3 MiB a picture)', log: true },
        y: { label: 'encodes avoided, %', log: false },
        lines: linesOf(
          rows.filter(({ ttlMinutes }) => ttlMinutes === 60),
          'gib',
          'encodes avoided, %',
          ({ policy }) => String(policy),
        ),
      },
    };
  },
};

/** How many pictures at a time should encoders get, and should they wait for company? */
export const encodeExperiment: Experiment = {
  name: 'encode',
  title: 'Batches and linger of the encode queue',
  run: () => {
    const rows = [cpuProfile(), gpuProfile()].flatMap((profile) =>
      [0.3, 0.45].flatMap((load) =>
        [0, 20].flatMap((lingerMs) =>
          [1, 2, 4, 8, 16, 32].map((maxBatch) => {
            const base = baseScenario(profile, { decoders: 40, load: 0.4 });
            const perSecond = 16_000 / profile.times.encodeMs(16);
            // Each dialog has one turn about a picture that nobody else has: what is asked of two vision pods is known.
            const pictures = { ...base.traffic.pictures, share: 1, unique: 1 };
            const traffic = { ...base.traffic, turnsMean: 1, dialogsPerSecond: 2 * load * perSecond, pictures };
            const encode = { maxBatch, inFlight: 4, lingerMs };
            const outcome = simulate({ ...base, traffic, encode, visionPods: 2, gateways: 2 });
            return { profile: profile.name, load, lingerMs, maxBatch, ...figuresOf(outcome) };
          }),
        ),
      ),
    );
    return {
      rows,
      chart: {
        title: 'Batches of two vision pods, no linger',
        x: { label: 'most pictures of a batch', log: true },
        y: { label: 'first token with encode p95, ms', log: true },
        lines: linesOf(
          rows.filter(({ lingerMs }) => lingerMs === 0),
          'maxBatch',
          'with encode p95, ms',
          ({ profile, load }) => `${String(profile).slice(0, 3)}, load ${load}`,
        ),
      },
    };
  },
};
