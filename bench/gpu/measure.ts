import type { Bundle } from '@eidetic/bundle';
import { decoderSession, EmbeddingTable, ModelRunner } from '@eidetic/engine';
import type { Runtime } from '@eidetic/model-loader';
import { createVisionGraph } from '@eidetic/vision';
import { type Spread, spread } from '../src/statistics.ts';
import type { GpuOptions } from './options.ts';

/** One measured figure. */
export interface Figure {
  readonly what: 'vision' | 'decode' | 'copy';
  /** `eidetic float16`, `PyTorch sdpa bfloat16`, … */
  readonly who: string;
  readonly batch: number;
  readonly stepMs: Spread;
  /** Pictures, tokens or bytes a second, at the median. */
  readonly perSecond: number;
  /** Bytes of weights, keys and values that a decode step reads. */
  readonly readBytes?: number;
}

const WARM_UPS = 5;
/** Steps are repeated for about so long, so that a slow one does not take the time of all others. */
const MEASURED_MS = 3000;
const MIN_ROUNDS = 5;
const MAX_ROUNDS = 64;

/** Bytes that are copied from one half of a tensor to the other. */
const COPY_BYTES = { cpu: 2 ** 27, cuda: 2 ** 31 } as const;

/** Bytes that the memory reads and writes a second when it copies: what decode steps are measured against. */
export async function measureCopies(
  { environment, session: options }: Runtime,
  bundle: Bundle,
  provider: GpuOptions['provider'],
): Promise<Figure> {
  using session = await environment.createSession(bundle.path(bundle.manifest.vision.graph), options);
  const half = COPY_BYTES[provider];
  using tensor = session.allocate('uint8', [2 * half]);
  const times = await repeat(async () => session.copyRuns(tensor, 0, half, { length: half, stride: half, count: 1 }));
  return figure('copy', 'device to device', 1, times, 2 * half);
}

/** From pixels on the host to embeddings on the host. */
export async function measureVision(
  { environment, session: options }: Runtime,
  bundle: Bundle,
  batches: readonly number[],
): Promise<readonly Figure[]> {
  const { vision } = bundle.manifest;
  const session = await environment.createSession(bundle.path(vision.graph), options);
  const graph = createVisionGraph(session, vision, Math.max(...batches));
  const pictures = Array.from({ length: Math.max(...batches) }, (_, picture) =>
    Uint8Array.from({ length: graph.pixelBytes }, (_, i) => (i * 31 + picture * 17) % 256),
  );
  const figures: Figure[] = [];
  for (const batch of batches) {
    const times = await repeat(() => graph.run(pictures.slice(0, batch)));
    figures.push(figure('vision', `eidetic ${vision.precision}`, batch, times, batch));
  }
  graph.release();
  return figures;
}

/** Decode steps of answers that all have the same length; what was before lies in the KV cache as zeros, which takes as long. */
export async function measureDecode(
  { environment, session: options }: Runtime,
  bundle: Bundle,
  { decodeBatches, context, cudaGraphs }: GpuOptions,
): Promise<readonly Figure[]> {
  const { decoder } = bundle.manifest;
  const setUp = decoderSession(options, decoder.dtype, cudaGraphs);
  using session = await environment.createSession(bundle.path(decoder.graph), setUp);
  const slots = Math.max(...decodeBatches);
  const runner = new ModelRunner(session, bundle, { slots, capacity: context + 1, cudaGraphs });
  const table = new EmbeddingTable(bundle);
  const row = {
    position: context,
    ropeOffset: 0,
    inverseTemperature: 1,
    embed: (target: Float32Array | Float16Array) => table.read(1, target),
  };
  const figures: Figure[] = [];
  for (const batch of decodeBatches) {
    const rows = new Array(batch).fill(row);
    const times = await repeat(async () => (await runner.decode(0, rows))(batch - 1).topIds[0]);
    const who = `eidetic ${decoder.precision}${cudaGraphs ? ', CUDA graphs' : ''}`;
    figures.push({ ...figure('decode', who, batch, times, batch), readBytes: readBytesOf(bundle, batch, context) });
  }
  table.close();
  runner.release();
  return figures;
}

function readBytesOf({ manifest }: Bundle, batch: number, context: number): number {
  const { layers, kvHeads, headDim, dtype } = manifest.decoder;
  const weights = manifest.files.find(({ path }) => path === 'decoder.data')?.size ?? 0;
  return weights + batch * context * layers * 2 * kvHeads * headDim * (dtype === 'float16' ? 2 : 4);
}

/** A figure of runs that took so long, each of which did `amount`. */
export function figure(
  what: Figure['what'],
  who: string,
  batch: number,
  times: readonly number[],
  amount: number,
): Figure {
  const stepMs = spread(times);
  return { what, who, batch, stepMs, perSecond: (amount / stepMs.median) * 1000 };
}

/** Times of one run after another, in milliseconds. */
async function repeat(run: () => Promise<unknown>): Promise<readonly number[]> {
  for (let i = 0; i < WARM_UPS; i++) await run();
  const times: number[] = [];
  const started = performance.now();
  while (times.length < MIN_ROUNDS || (times.length < MAX_ROUNDS && performance.now() - started < MEASURED_MS)) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}
