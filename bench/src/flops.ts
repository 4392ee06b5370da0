import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Environment, Tensor } from '@eidetic/ort';
import { tinyModel } from '../../libs/ort/test/tiny-onnx.ts';

/** Floating-point operations (a multiplication and an addition are two) that a checkpoint needs. */
export interface ModelFlops {
  /** To encode one picture: ViT and resampler, without softmax and norms. */
  readonly picture: number;
  /** Positions that a picture takes in the prompt. */
  readonly pictureTokens: number;
  /** To compute one prompt position, attention to the others left out. */
  readonly position: number;
}

interface Config {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly visual: {
    readonly image_size: number;
    readonly patch_size: number;
    readonly width: number;
    readonly layers: number;
    readonly mlp_ratio: number;
    readonly n_queries: number;
    readonly output_dim: number;
  };
}

/** Counts what the configuration of a Qwen-VL checkpoint asks for. */
export async function modelFlops(checkpointDirectory: string): Promise<ModelFlops> {
  const config = JSON.parse(await readFile(join(checkpointDirectory, 'config.json'), 'utf8')) as Config;
  const { hidden_size: hidden, intermediate_size: intermediate, num_hidden_layers: layers, visual } = config;
  const patches = (visual.image_size / visual.patch_size) ** 2;
  const { width, n_queries: queries, output_dim: out } = visual;
  // Projections of attention and the two matrices of the MLP; then scores and weighted sums.
  const vitLayer = patches * (4 + 2 * visual.mlp_ratio) * width ** 2 + 2 * patches ** 2 * width;
  const embedding = patches * visual.patch_size ** 2 * 3 * width;
  const resampler = patches * (width * out + 2 * out ** 2) + 2 * queries * patches * out + 3 * queries * out ** 2;
  // The family's `intermediate_size` is that of both halves of the gated MLP together.
  const decoderLayer = 4 * hidden ** 2 + 3 * hidden * (intermediate / 2);
  return {
    picture: 2 * (embedding + visual.layers * vitLayer + resampler),
    pictureTokens: queries,
    position: 2 * layers * decoderLayer,
  };
}

const SIZE = 1024;
const RUNS = 20;

/** The most that onnxruntime's float32 matrix product reaches here: operations a second, best of some runs. */
export async function peakFlops(threads: number): Promise<number> {
  const dims = [SIZE, SIZE];
  const value = (name: string) => ({ name, type: 1, dims });
  const model = tinyModel({
    inputs: [value('a'), value('b')],
    outputs: [value('c')],
    nodes: [{ op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] }],
  });
  const session = await Environment.load().createSession(model, { intraOpThreads: threads });
  const binding = session.bind();
  for (const name of ['a', 'b', 'c']) {
    using tensor = Tensor.fromArray(new Float32Array(SIZE ** 2).fill(0.5), dims);
    if (name === 'c') binding.output(name, tensor);
    else binding.input(name, tensor);
  }
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const started = performance.now();
    await binding.run();
    bestMs = Math.min(bestMs, performance.now() - started);
  }
  binding.release();
  session.release();
  return (2 * SIZE ** 3 * 1000) / bestMs;
}
