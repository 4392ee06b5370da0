import type { Precision } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import { blockSizeOf } from './block-size.ts';
import { float16Overflow, tooLargeForFloat16 } from './float16.ts';
import { matMulNBits } from './mat-mul-nbits.ts';
import type { Matrix } from './matrix.ts';
import type { GraphBuilder, Value } from './onnx/graph-builder.ts';
import { QuantizedPieces } from './quantized-pieces.ts';
import { transposeMatrix } from './weight-threads.ts';

/** Element type of activations. */
export type ActivationType = 'float32' | 'float16';

/** How the matrix products of a graph store their weights. */
export interface LinearFormat {
  readonly precision: Precision;
  readonly activations: ActivationType;
  /** Whether the graph only ever multiplies even numbers of rows, which wide blocks of int4 need; default not. */
  readonly evenRows?: boolean;
}

/**
 * `y = x · Wᵀ (+ bias)`.
 *
 * float32 and float16 become MatMul with the transposed matrix; int8 and int4 become MatMulNBits.
 *
 * @param x `[…, columns]`
 * @returns `[…, rows]`
 * @throws EideticError `invalid_checkpoint` when the format cannot hold the weights.
 */
export async function linear(
  graph: GraphBuilder,
  name: string,
  x: Value,
  weight: Matrix,
  format: LinearFormat,
  bias?: Float32Array,
): Promise<Value> {
  const biasValue = bias && (await constantOf(graph, `${name}.bias`, bias, [weight.rows], format.activations));
  if (format.precision === 'int8' || format.precision === 'int4') {
    return quantizedLinear(graph, name, x, weight, format, biasValue);
  }
  const transposed = await graph.weight(
    `${name}.weight`,
    format.precision,
    [weight.columns, weight.rows],
    transposeMatrix(name, weight, format.precision),
  );
  const stored = format.precision === format.activations ? transposed : cast(graph, transposed, format.activations);
  if (!biasValue) return graph.node(name, 'MatMul', [x, stored]);
  return graph.node(name, 'Add', [graph.node(`${name}.product`, 'MatMul', [x, stored]), biasValue]);
}

/**
 * Adds a constant in the graph's activation type.
 *
 * @throws EideticError `invalid_checkpoint` when a number is too large for it.
 */
export async function constantOf(
  graph: GraphBuilder,
  name: string,
  data: Float32Array,
  dims: readonly number[],
  type: ActivationType,
): Promise<Value> {
  return graph.constant(name, narrowed(name, data, type), dims);
}

/** Numbers in the graph's activation type. */
function narrowed(name: string, data: Float32Array, type: ActivationType): Float32Array | Float16Array {
  if (type === 'float32') return data;
  const tooLarge = tooLargeForFloat16(data);
  if (tooLarge !== undefined) throw float16Overflow(name, tooLarge);
  return new Float16Array(data);
}

function cast(graph: GraphBuilder, value: Value, to: ActivationType): Value {
  const id = to === 'float32' ? 1n : 10n;
  return graph.node(`${value}.cast`, 'Cast', [value], { attributes: { to: id } });
}

async function quantizedLinear(
  graph: GraphBuilder,
  name: string,
  x: Value,
  weight: Matrix,
  format: LinearFormat,
  bias: Value | undefined,
): Promise<Value> {
  const bits = format.precision === 'int4' ? 4 : 8;
  const { rows, columns } = weight;
  const blockSize = blockSizeOf(columns, format);
  if (columns % blockSize !== 0) {
    throw new EideticError(
      'invalid_checkpoint',
      `${name} has ${columns} columns; ${format.precision} needs a multiple of ${blockSize}. Choose float16 or float32.`,
    );
  }
  const blocks = columns / blockSize;
  const pieces = new QuantizedPieces(weight, { bits, blockSize });
  const dims = [rows, blocks, (blockSize * bits) / 8];
  const values = await graph.weight(`${name}.weight`, 'uint8', dims, pieces.values());
  const narrow = (scales: Float32Array) => narrowed(`${name}.scales`, scales, format.activations);
  const scales = await graph.weight(`${name}.scales`, format.activations, [rows, blocks], pieces.scales(narrow));
  const zeroDims = [rows, Math.ceil(blocks / 2)];
  const zeroPoints =
    bits === 4 ? await graph.weight(`${name}.zeros`, 'uint8', zeroDims, pieces.zeroPoints()) : undefined;
  return matMulNBits(graph, name, x, { rows, columns, bits, blockSize, values, scales, zeroPoints }, bias);
}
