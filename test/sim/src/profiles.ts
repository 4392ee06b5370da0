import { readFileSync } from 'node:fs';
import type { ServiceTimes } from './service-times.ts';

/** A kind of machine, with the model that it runs. */
export interface Profile {
  readonly name: string;
  readonly times: ServiceTimes;
  readonly slots: number;
  readonly maxContext: number;
  /** From the request for a pod to its first answer. */
  readonly startMs: number;
  /** What Redis keeps for a picture: the embedding, and the upload. */
  readonly embeddingBytes: number;
}

interface BenchResult {
  readonly measurements: readonly {
    readonly contender: string;
    readonly metric: string;
    readonly spread: { readonly median: number };
  }[];
}

/** The median of a figure of this repository's own measurements (`make bench`). */
const measured = (suite: string, metric: string): number => {
  const file = new URL(`../../../bench/results/${suite}.json`, import.meta.url);
  const { measurements }: BenchResult = JSON.parse(readFileSync(file, 'utf8'));
  const found = measurements.find((m) => m.contender === 'eidetic' && m.metric === metric);
  if (!found) throw new Error(`bench/results/${suite}.json has no "${metric}".`);
  return found.spread.median;
};

/** The straight line with the least squares through points: what it is at 0, and its slope. */
const fitLine = (points: readonly (readonly [number, number])[]): readonly [number, number] => {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([px]) => px), mean(([, py]) => py)];
  const slope = mean(([px, py]) => (px - x) * (py - y)) / mean(([px]) => (px - x) ** 2);
  return [y - slope * x, slope];
};

/**
 * The embedded model on two CPU cores, all of it measured: one picture and eight together (`vision`), prompts of 4 to 1,024 positions
 * (`dialog`), steps of 1 to 16 answers after 100 positions (`concurrency`), of one after 200 and 1,800 (`decoder-int8`). The overhead is
 * what a next turn takes through a cluster beyond what it takes in the engine (`tiers`, `dialog`).
 */
export const cpuProfile = (): Profile => {
  const one = measured('vision', 'PNG to embedding, ms');
  const eight = (1000 * 8) / measured('vision', '8 at once, pictures/s');
  const pictureMs = (eight - one) / 7;
  const prompt = (positions: number) => measured('dialog', `${positions} positions computed, ms`);
  const [prefillFixedMs, positionMs] = fitLine([4, 16, 64, 256].map((n) => [n, prompt(n)]));
  // Attention: what a long prompt takes beyond the line, by the square of its length.
  const squareMs = Math.max(0, prompt(1024) - prefillFixedMs - 1024 * positionMs) / 1024 ** 2;
  const after = (positions: number) => measured('decoder-int8', `decode after ${positions}, ms/token`);
  const pastMs = (after(1800) - after(200)) / 1600;
  const steps = [1, 2, 4, 8, 16].map((n) => {
    const stepMs = (1000 * n) / measured('concurrency', `decode of ${n}, tokens/s`);
    return [n, stepMs - 100 * n * pastMs] as const;
  });
  const [stepFixedMs, answerMs] = fitLine(steps);
  return {
    name: 'CPU, embedded model',
    slots: 4,
    maxContext: 2048,
    startMs: 20_000,
    embeddingBytes: 80 * 1024,
    times: {
      encodeMs: (pictures) => one + (pictures - 1) * pictureMs,
      prefillMs: (start, end) => prefillFixedMs + positionMs * (end - start) + squareMs * (end ** 2 - start ** 2),
      stepMs: (answers, positions) => Math.max(0.1, stepFixedMs) + answerMs * answers + pastMs * positions,
      overheadMs:
        measured('tiers', 'first token of the next turn, embedding and keys/values there, ms') -
        measured('dialog', 'first token of the second turn, ms'),
    },
  };
};

/**
 * Qwen-VL-Chat (9.6 billion parameters: 7.7 of the language model, 1.9 of the vision encoder) in float16 on one GPU. Derived, not
 * measured, from two figures of a prototype: 99 pictures a second in batches of 16, decode at 62 % of the memory bandwidth.
 */
export const gpuProfile = (): Profile => {
  // Data sheet of the H100 SXM.
  const bytesPerMs = 0.62 * 3.35e9;
  const visionBytes = 2 * 1.9e9;
  const decoderBytes = 2 * 7.7e9;
  // Keys and values of 32 layers of width 4,096.
  const positionBytes = 2 * 32 * 4096 * 2;
  // A run over no pictures at all would still read the weights once; the rest of the 16 pictures' time is theirs.
  const encodeFixedMs = visionBytes / bytesPerMs;
  const pictureMs = ((16 * 1000) / 99 - encodeFixedMs) / 16;
  // A picture is 1,024 patches, 2 operations each for 1.9e9 weights. At the same rate of operations a position of the prompt takes:
  const positionMs = (pictureMs / (2 * 1.9e9 * 1024)) * (2 * 7.7e9);
  return {
    name: 'GPU, Qwen-VL-Chat',
    // 80 GB less the weights and 8 GB for the rest, over 1 GiB for 2,048 positions, would be 52.
    slots: 32,
    maxContext: 2048,
    startMs: 180_000,
    embeddingBytes: 4 * 1024 ** 2,
    times: {
      encodeMs: (pictures) => encodeFixedMs + pictures * pictureMs,
      prefillMs: (start, end) => decoderBytes / bytesPerMs + positionMs * (end - start),
      stepMs: (_answers, positions) => (decoderBytes + positions * positionBytes) / bytesPerMs,
      overheadMs: cpuProfile().times.overheadMs,
    },
  };
};
