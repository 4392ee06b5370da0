import {
  constantOf,
  denseMatrix,
  type GraphBuilder,
  type GraphFormats,
  type LinearFormat,
  linear,
  type Matrix,
  MICROSOFT,
  permuteRows,
  toFloat32,
  transpose,
  type Value,
  type WeightSource,
} from '@eidetic/exporter';
import type { QwenVlConfig } from '../config.ts';
import { resizePositionTable } from './position-table.ts';
import { matrix, POSITION_GRID, vector } from './tensors.ts';

/** CLIP's pixel statistics (RGB, of values in 0..1), which the reference normalises with. */
const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** Epsilon of every LayerNorm of the vision tower (`visual.py`). */
const EPSILON = 1e-6;

const VISUAL = 'transformer.visual';

/**
 * Builds the vision encoder: ViT without class token, then the position-aware resampler. Folded at export, all exact:
 * pixel normalisation into the patch projection, position tables at their final size, and the resampler's queries.
 */
export async function buildVision(
  graph: GraphBuilder,
  config: QwenVlConfig,
  weights: WeightSource,
  formats: GraphFormats,
): Promise<void> {
  const builder = new VisionBuilder(graph, config, weights, formats.vision);
  const patches = await builder.addPatchEmbedding();
  const encoded = await builder.addBlocks(patches);
  await builder.addResampler(encoded);
}

class VisionBuilder {
  readonly #graph: GraphBuilder;
  readonly #visual: QwenVlConfig['visual'];
  readonly #weights: WeightSource;
  readonly #format: LinearFormat;

  constructor(graph: GraphBuilder, config: QwenVlConfig, weights: WeightSource, format: LinearFormat) {
    this.#graph = graph;
    this.#visual = config.visual;
    this.#weights = weights;
    this.#format = format;
  }

  /** `pixels` uint8 `[batch, side, side, 3]` to `[batch, patches, width]`. */
  async addPatchEmbedding(): Promise<Value> {
    const graph = this.#graph;
    const { imageSize, patchSize, gridSide, width } = this.#visual;
    const pixels = graph.input('pixels', 'uint8', ['batch', imageSize, imageSize, 3]);
    const numbers = graph.node('pixels.float', 'Cast', [pixels], {
      attributes: { to: this.#format.activations === 'float16' ? 10n : 1n },
    });
    // [batch, row, y, column, x * channel] to one line per patch, in (y, x, channel) order.
    const cells = await this.#reshape('cells', numbers, [-1, gridSide, patchSize, gridSide, patchSize * 3]);
    const swapped = graph.node('cells.swapped', 'Transpose', [cells], { attributes: { perm: [0n, 1n, 3n, 2n, 4n] } });
    const lines = await this.#reshape('patches', swapped, [-1, gridSide ** 2, patchSize ** 2 * 3]);

    const { projection, offset } = await this.#patchProjection();
    // The smallest product of the tower, on raw pixel values: never worth rounding.
    const format = { ...this.#format, precision: this.#format.activations };
    const projected = await linear(graph, 'patch_embedding', lines, projection, format);
    const table = await vector(this.#weights, `${VISUAL}.positional_embedding`);
    const positions = resizePositionTable(table, POSITION_GRID, gridSide, width);
    for (let i = 0; i < positions.length; i++) positions[i] = (positions[i] ?? 0) + (offset[i % width] ?? 0);
    const positioned = await this.#addConstant('positioned', projected, positions, [gridSide ** 2, width]);
    return this.#layerNorm('norm_pre', positioned, `${VISUAL}.ln_pre`);
  }

  /** The convolution as a matrix over (y, x, channel), with `(pixel / 255 - mean) / std` folded in. */
  async #patchProjection(): Promise<{ projection: Matrix; offset: Float32Array }> {
    const { patchSize, width } = this.#visual;
    const area = patchSize ** 2;
    const convolution = await vector(this.#weights, `${VISUAL}.conv1.weight`);
    const folded = new Float32Array(convolution.length);
    const offset = new Float32Array(width);
    for (let row = 0; row < width; row++) {
      let shift = 0;
      for (let channel = 0; channel < 3; channel++) {
        const mean = MEAN[channel] ?? 0;
        const std = STD[channel] ?? 1;
        for (let i = 0; i < area; i++) {
          const w = convolution[(row * 3 + channel) * area + i] ?? 0;
          folded[(row * area + i) * 3 + channel] = w / (255 * std);
          shift -= (w * mean) / std;
        }
      }
      offset[row] = shift;
    }
    return { projection: denseMatrix(folded, width, area * 3), offset };
  }

  async addBlocks(input: Value): Promise<Value> {
    const { layers } = this.#visual;
    let residual = input;
    let update: Value | undefined;
    for (let i = 0; i < layers; i++) {
      const tensors = `${VISUAL}.transformer.resblocks.${i}`;
      let normed = await this.#addAndNorm(`blocks.${i}.norm1`, residual, update, `${tensors}.ln_1`);
      residual = normed.residual;
      update = await this.#attention(`blocks.${i}.attention`, normed.value, tensors);
      normed = await this.#addAndNorm(`blocks.${i}.norm2`, residual, update, `${tensors}.ln_2`);
      residual = normed.residual;
      const inner = await this.#linear(`blocks.${i}.mlp.expand`, normed.value, `${tensors}.mlp.c_fc`);
      // The exact (erf) form; the reference does not use an approximation.
      const active = this.#graph.node(`blocks.${i}.mlp.gelu`, 'Gelu', [inner], { domain: MICROSOFT });
      update = await this.#linear(`blocks.${i}.mlp.contract`, active, `${tensors}.mlp.c_proj`);
    }
    return update === undefined ? residual : this.#graph.node('encoded', 'Add', [residual, update]);
  }

  /** Self-attention. The checkpoint holds the fused projection as (head, part, dim); it is stored as (part, head, dim). */
  async #attention(name: string, x: Value, tensors: string): Promise<Value> {
    const { heads, headDim, width } = this.#visual;
    const sourceRow = (row: number): number => {
      const part = Math.floor(row / width);
      const head = Math.floor((row % width) / headDim);
      return (head * 3 + part) * headDim + (row % headDim);
    };
    const fusedBias = await vector(this.#weights, `${tensors}.attn.in_proj.bias`);
    const bias = fusedBias.map((_, row) => fusedBias[sourceRow(row)] ?? 0);
    const stacked = permuteRows(matrix(this.#weights, `${tensors}.attn.in_proj.weight`), sourceRow);
    const qkv = await linear(this.#graph, `${name}.qkv`, x, stacked, this.#format);
    const parts = await this.#graph.constant(
      `${name}.parts`,
      BigInt64Array.of(BigInt(width), BigInt(width), BigInt(width)),
      [3],
    );
    const [q, k, v] = [`${name}.q`, `${name}.k`, `${name}.v`];
    this.#graph.node(`${name}.split`, 'Split', [qkv, parts], { attributes: { axis: -1n }, outputs: [q, k, v] });
    const biasValue = await this.#constant(`${name}.bias`, bias, [3 * width]);
    const attended = this.#multiHeadAttention(name, [q, k, v, biasValue], heads);
    return this.#linear(`${name}.projection`, attended, `${tensors}.attn.out_proj`);
  }

  /** One cross-attention from learned queries to the patches; positions are added to queries and keys, not to values. */
  async addResampler(encoded: Value): Promise<void> {
    const graph = this.#graph;
    const { queries, outputDim, gridSide, resamplerHeads, width } = this.#visual;
    const pool = `${VISUAL}.attn_pool`;
    const projected =
      width === outputDim
        ? encoded
        : await linear(graph, 'resampler.kv', encoded, matrix(this.#weights, `${pool}.kv_proj.weight`), this.#format);
    const z = await this.#layerNorm('resampler.norm_kv', projected, `${pool}.ln_kv`);
    const bias = await vector(this.#weights, `${pool}.attn.in_proj_bias`);
    const part = (index: number): Matrix =>
      matrix(this.#weights, `${pool}.attn.in_proj_weight`, { firstRow: index * outputDim, rows: outputDim });
    const biasOf = (index: number): Float32Array => bias.subarray(index * outputDim, (index + 1) * outputDim);

    const positions = await vector(this.#weights, `${pool}.pos_embed`);
    const query = await this.#resamplerQuery(positions);
    const q = await project(query, part(0), biasOf(0));
    // The reference resizes before it projects. Both are linear and the resizing weights sum to one, so the order is free: this
    // one projects a quarter of the positions, which for Qwen-VL saves 13 billion multiplications.
    const keyPositions = await project(positions, part(1), biasOf(1));
    const keyOffset = resizePositionTable(keyPositions, Math.sqrt(queries), gridSide, outputDim);

    const keys = await linear(graph, 'resampler.keys', z, part(1), this.#format);
    const positioned = await this.#addConstant('resampler.keys.positioned', keys, keyOffset, [
      gridSide ** 2,
      outputDim,
    ]);
    const values = await linear(graph, 'resampler.values', z, part(2), this.#format, biasOf(2));
    const expanded = await this.#expandToBatch('resampler.query', q, [queries, outputDim]);
    const attended = this.#multiHeadAttention('resampler.attention', [expanded, positioned, values], resamplerHeads);
    const out = await this.#linear('resampler.projection', attended, `${pool}.attn.out_proj`);
    const normed = await this.#layerNorm('norm_post', out, `${VISUAL}.ln_post`);
    // Used as x @ proj: the only matrix of the checkpoint that is stored [in, out].
    const proj = transpose(await vector(this.#weights, `${VISUAL}.proj`), outputDim, outputDim);
    const features = await linear(graph, 'projection', normed, denseMatrix(proj, outputDim, outputDim), this.#format);
    const attributes = { to: 1n };
    graph.node('image_features', this.#format.activations === 'float32' ? 'Identity' : 'Cast', [features], {
      ...(this.#format.activations === 'float32' ? {} : { attributes }),
    });
    graph.output('image_features', 'float32', ['batch', queries, outputDim]);
  }

  /** `ln_q(query) + pos_embed`: a constant, `[queries, outputDim]`. */
  async #resamplerQuery(positions: Float32Array): Promise<Float32Array> {
    const { outputDim } = this.#visual;
    const pool = `${VISUAL}.attn_pool`;
    const query = await vector(this.#weights, `${pool}.query`);
    const gamma = await vector(this.#weights, `${pool}.ln_q.weight`);
    const beta = await vector(this.#weights, `${pool}.ln_q.bias`);
    const out = new Float32Array(query.length);
    for (let from = 0; from < query.length; from += outputDim) {
      const row = query.subarray(from, from + outputDim);
      const mean = row.reduce((sum, x) => sum + x, 0) / outputDim;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / outputDim;
      const inverse = 1 / Math.sqrt(variance + EPSILON);
      row.forEach((x, i) => {
        out[from + i] = (x - mean) * inverse * (gamma[i] ?? 0) + (beta[i] ?? 0) + (positions[from + i] ?? 0);
      });
    }
    return out;
  }

  #multiHeadAttention(name: string, inputs: readonly Value[], heads: number): Value {
    return this.#graph.node(name, 'MultiHeadAttention', inputs, {
      domain: MICROSOFT,
      attributes: { num_heads: BigInt(heads) },
    });
  }

  /** A linear layer with bias. */
  async #linear(name: string, x: Value, tensor: string): Promise<Value> {
    const bias = await vector(this.#weights, `${tensor}.bias`);
    return linear(this.#graph, name, x, matrix(this.#weights, `${tensor}.weight`), this.#format, bias);
  }

  async #layerNorm(name: string, x: Value, tensor: string): Promise<Value> {
    const attributes = { epsilon: EPSILON, axis: -1n };
    return this.#graph.node(name, 'LayerNormalization', [x, ...(await this.#normWeights(name, tensor))], {
      attributes,
    });
  }

  /** Adds `update` to the residual stream and normalises the sum. */
  async #addAndNorm(
    name: string,
    residual: Value,
    update: Value | undefined,
    tensor: string,
  ): Promise<{ value: Value; residual: Value }> {
    if (update === undefined) return { value: await this.#layerNorm(name, residual, tensor), residual };
    const sum = `${name}.residual`;
    this.#graph.node(name, 'SkipLayerNormalization', [residual, update, ...(await this.#normWeights(name, tensor))], {
      domain: MICROSOFT,
      attributes: { epsilon: EPSILON },
      outputs: [name, '', '', sum],
    });
    return { value: name, residual: sum };
  }

  async #normWeights(name: string, tensor: string): Promise<[Value, Value]> {
    const gamma = await vector(this.#weights, `${tensor}.weight`);
    const beta = await vector(this.#weights, `${tensor}.bias`);
    return [
      await this.#constant(`${name}.weight`, gamma, [gamma.length]),
      await this.#constant(`${name}.offset`, beta, [beta.length]),
    ];
  }

  async #addConstant(name: string, x: Value, data: Float32Array, dims: readonly number[]): Promise<Value> {
    return this.#graph.node(name, 'Add', [x, await this.#constant(`${name}.constant`, data, dims)]);
  }

  #constant(name: string, data: Float32Array, dims: readonly number[]): Promise<Value> {
    return constantOf(this.#graph, name, data, dims, this.#format.activations);
  }

  async #reshape(name: string, x: Value, dims: readonly number[]): Promise<Value> {
    const shape = await this.#graph.constant(`${name}.shape`, BigInt64Array.from(dims, BigInt), [dims.length]);
    return this.#graph.node(name, 'Reshape', [x, shape]);
  }

  /** Repeats a constant for every picture of the batch. */
  async #expandToBatch(name: string, data: Float32Array, dims: readonly number[]): Promise<Value> {
    const graph = this.#graph;
    const constant = await this.#constant(`${name}.constant`, data, [1, ...dims]);
    const batch = graph.node(`${name}.batch`, 'Shape', ['pixels'], { attributes: { start: 0n, end: 1n } });
    const rest = await graph.constant(`${name}.dims`, BigInt64Array.from(dims, BigInt), [dims.length]);
    const shape = graph.node(`${name}.shape`, 'Concat', [batch, rest], { attributes: { axis: 0n } });
    return graph.node(name, 'Expand', [constant, shape]);
  }
}

/** Rows of a weight that are read at a time: the event loop gets a turn in between. */
const PROJECTED_ROWS = 256;

/** `x · Wᵀ + bias`, summed in double precision: x `[n, columns]`, weight `[rows, columns]`, returns `[n, rows]`. */
async function project(x: Float32Array, weight: Matrix, bias: Float32Array): Promise<Float32Array> {
  const { rows, columns } = weight;
  const n = x.length / columns;
  const out = new Float32Array(n * rows);
  for (let first = 0; first < rows; first += PROJECTED_ROWS) {
    const count = Math.min(PROJECTED_ROWS, rows - first);
    const chunk = toFloat32(await weight.read(first, count));
    for (let i = 0; i < n; i++) {
      for (let r = 0; r < count; r++) {
        let sum = bias[first + r] ?? 0;
        for (let c = 0; c < columns; c++) sum += (x[i * columns + c] ?? 0) * (chunk[r * columns + c] ?? 0);
        out[i * rows + first + r] = sum;
      }
    }
  }
  return out;
}
