import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle, Precision } from '@eidetic/bundle';
import { ensureBundle } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { Contender } from './contender.ts';
import type { GgufType } from './gguf.ts';
import type { EideticOptions } from './peers/eidetic.ts';
import type { LlamaCppOptions } from './peers/llama-cpp.ts';
import type { InterferencePeer, TextPeer } from './peers/protocol.ts';
import type { StockOrtOptions } from './peers/stock-ort.ts';
import { writeQwenGguf } from './qwen-gguf.ts';
import { OURS } from './report.ts';
import type { SuiteContext } from './suite.ts';

/** What a decoder must hold. */
export interface DecoderSize {
  /** Generations at the same time. */
  readonly sequences: number;
  /** Positions of each. */
  readonly contextSize: number;
}

/** llama.cpp's format of the same width: the quantised ones hold blocks of 32 with one scale. */
export const GGUF_TYPES = { float32: 'f32', float16: 'f16', int8: 'q8_0', int4: 'q4_0' } as const satisfies Record<
  Precision,
  GgufType
>;

/** The checkpoint as a bundle with the whole language model in one precision, the vision encoder in float32. */
export function bundleOf(context: SuiteContext, precision: Precision): Promise<Bundle> {
  return ensureBundle({
    checkpointDirectory: context.checkpointDirectory,
    cacheDirectory: context.cacheDirectory,
    family: qwenVlExport,
    precisions: { vision: 'float32', decoder: precision, head: precision },
    activations: 'float32',
  });
}

/** Share of the time that prompts may take from running answers, as the server has it by default. */
const PREFILL_SHARE = 0.5;

/** Starts this repository's engine alone. */
export async function startEidetic(
  context: SuiteContext,
  precision: Precision,
  size: DecoderSize,
  { name = OURS, prefillShare = PREFILL_SHARE } = {},
): Promise<Contender<TextPeer & InterferencePeer>> {
  const { directory: bundleDirectory } = await bundleOf(context, precision);
  const options: EideticOptions = { bundleDirectory, threads: context.threads, prefillShare, ...size };
  return Contender.start(name, 'eidetic', options);
}

/** Starts llama.cpp with as many threads as there are cores, and with one. `weightBytes` are those that every token needs. */
export async function startLlamaCpp(
  context: SuiteContext,
  precision: Precision,
  size: DecoderSize,
): Promise<{ readonly decoders: readonly Contender<TextPeer & InterferencePeer>[]; readonly weightBytes: number }> {
  const { modelPath, weightBytes } = await ggufOf(context, precision);
  const options: LlamaCppOptions = { modelPath, threads: context.threads, ...size };
  const decoders = await Promise.all([
    Contender.start<TextPeer & InterferencePeer>('llama.cpp', 'llama-cpp', options),
    // Its threads wait for each other by spinning: where a core is shared with other work, one thread is far faster.
    Contender.start<TextPeer & InterferencePeer>('llama.cpp, 1 thread', 'llama-cpp', { ...options, threads: 1 }),
  ]);
  return { decoders, weightBytes };
}

/**
 * Starts this repository's engine, llama.cpp and stock onnxruntime-node on the same weights. `weightBytes` are those that
 * every token needs.
 */
export async function startDecoders(
  context: SuiteContext,
  precision: Precision,
  size: DecoderSize,
): Promise<{ readonly decoders: readonly Contender<TextPeer>[]; readonly weightBytes: number }> {
  const { threads } = context;
  const { directory: bundleDirectory } = await bundleOf(context, precision);
  const stockOrt = (capacity: number): StockOrtOptions => ({ bundleDirectory, threads, capacity });
  const [eidetic, llamaCpp, growing, whole] = await Promise.all([
    startEidetic(context, precision, size),
    startLlamaCpp(context, precision, size),
    Contender.start<TextPeer>('onnxruntime-node', 'stock-ort', stockOrt(0)),
    Contender.start<TextPeer>('onnxruntime-node, whole cache', 'stock-ort', stockOrt(size.contextSize)),
  ]);
  return { decoders: [eidetic, ...llamaCpp.decoders, growing, whole], weightBytes: llamaCpp.weightBytes };
}

async function ggufOf({ checkpointDirectory, cacheDirectory }: SuiteContext, precision: Precision) {
  await mkdir(cacheDirectory, { recursive: true });
  const modelPath = join(cacheDirectory, `${precision}.gguf`);
  const type = GGUF_TYPES[precision];
  const weightBytes = await writeQwenGguf(checkpointDirectory, modelPath, { matrices: type, head: type });
  return { modelPath, weightBytes };
}
