import { type GraphBuilder, MICROSOFT, type Value } from './onnx/graph-builder.ts';

/** A matrix of a MatMulNBits node: quantised rows of output features, cut along the input features into blocks. */
export interface QuantizedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 4 | 8;
  /** Columns that share a scale: a power of two of at least 16. */
  readonly blockSize: number;
  /** uint8 `[rows, blocks, blockSize * bits / 8]`; with 4 bits the first of two neighbours is in the low nibble. */
  readonly values: Value;
  /** `[rows, blocks]`, in the type of the activations. */
  readonly scales: Value;
  /** uint8 `[rows, ⌈blocks * bits / 8⌉]`, packed like the values; absent where all are `2^(bits-1)`. */
  readonly zeroPoints?: Value | undefined;
}

/**
 * `y = x · Wᵀ (+ bias)` with `w = (q - zero point) * scale`. Each row of `x` is quantised by itself, in blocks
 * (accuracy level 4), so that a sequence's result does not depend on its neighbours in the batch
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits).
 *
 * @param x `[…, columns]`
 * @param bias `[rows]`
 * @returns `[…, rows]`
 */
export function matMulNBits(graph: GraphBuilder, name: string, x: Value, matrix: QuantizedMatrix, bias?: Value): Value {
  const { rows, columns, bits, blockSize, values, scales, zeroPoints = '' } = matrix;
  // An empty name leaves an optional input out; between zero points and bias lies the order of columns, which is deprecated.
  const optional = bias === undefined ? [zeroPoints] : [zeroPoints, '', bias];
  return graph.node(name, 'MatMulNBits', [x, values, scales, ...(optional.some(Boolean) ? optional : [])], {
    domain: MICROSOFT,
    attributes: {
      K: BigInt(columns),
      N: BigInt(rows),
      bits: BigInt(bits),
      block_size: BigInt(blockSize),
      accuracy_level: 4n,
    },
  });
}
