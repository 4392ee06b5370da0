/**
 * Linear layers that GPTQ quantised, as AutoGPTQ and its successors store them: `w = (q - zero point) * scale`, the scale
 * and the zero point shared by a group of input features (https://github.com/AutoGPTQ/AutoGPTQ, `nn_modules/qlinear`).
 * MatMulNBits computes the same, so the levels are moved to its layout, and none is rounded again.
 */
import type { DType } from '@eidetic/checkpoint';
import { EideticError } from '@eidetic/core';
import { SMALL_BLOCK, WIDE_BLOCK } from './block-size.ts';
import type { WeightSource } from './family.ts';
import { constantOf, type LinearFormat } from './linear.ts';
import { matMulNBits } from './mat-mul-nbits.ts';
import type { GraphBuilder, Value } from './onnx/graph-builder.ts';

/** How a checkpoint's layers were quantised, as far as reading them goes; always to 4 bits. */
export interface GptqScheme {
  /** Input features that share a scale: 32, 64 or 128. */
  readonly groupSize: number;
  /** What stored zero points lack: AutoGPTQ takes 1 off before packing them, `gptq_v2` does not. */
  readonly zeroOffset: 0 | 1;
}

/** A layer of a checkpoint: `name` is what its tensors' names begin with. */
export interface GptqLayer {
  readonly weights: WeightSource;
  readonly name: string;
  readonly scheme: GptqScheme;
}

/** Levels in a 32-bit word. */
const PER_WORD = 8;

/** The zero point of symmetric quantisation, which MatMulNBits assumes where it is given none. */
const MIDDLE = 8;

/**
 * Name and shape of every tensor of a layer, bias included: AutoGPTQ writes one where the layer it quantised had none.
 *
 * @throws EideticError `invalid_checkpoint` when groups or words do not divide the layer.
 */
export function gptqTensors(
  name: string,
  rows: number,
  columns: number,
  { groupSize }: GptqScheme,
): [string, readonly number[]][] {
  if (columns % groupSize !== 0 || rows % PER_WORD !== 0) {
    throw new EideticError(
      'invalid_checkpoint',
      `'${name}' is [${rows}, ${columns}]; GPTQ layers are read in whole groups of ${groupSize} columns and ${PER_WORD} rows.`,
    );
  }
  const groups = columns / groupSize;
  return [
    [`${name}.qweight`, [columns / PER_WORD, rows]],
    [`${name}.qzeros`, [groups, rows / PER_WORD]],
    [`${name}.scales`, [groups, rows]],
    [`${name}.g_idx`, [columns]],
    [`${name}.bias`, [rows]],
  ];
}

/**
 * Adds `y = x · Wᵀ + bias` of a layer whose tensors have the shapes of {@link gptqTensors}. Where the columns were quantised in
 * another order (`desc_act`), `x` is put into that order first.
 *
 * With float16 activations a group is a block. With float32 ones it becomes blocks of {@link SMALL_BLOCK} that repeat its scale, unless
 * it is of {@link WIDE_BLOCK} and the graph sees to even numbers of rows: otherwise the CPU kernel gives a row other bits alone than in a
 * batch (docs/decisions/0034-quantisation-blocks.md).
 *
 * @param x `[…, columns]`
 * @returns `[…, rows]`
 * @throws EideticError `invalid_checkpoint` when a tensor has another element type, groups are of unequal size, a zero
 *   point is outside 0 to 15, or a scale is no finite number.
 */
export async function gptqLinear(
  graph: GraphBuilder,
  name: string,
  x: Value,
  layer: GptqLayer,
  format: LinearFormat,
): Promise<Value> {
  const { weights } = layer;
  const { activations } = format;
  const { groupSize } = layer.scheme;
  const [rowWords = 0, rows = 0] = weights.tensors.get(`${layer.name}.qweight`)?.shape ?? [];
  const columns = rowWords * PER_WORD;
  const blockSize = blockSizeOf(groupSize, format);
  const [blocks, repeat] = [columns / blockSize, groupSize / blockSize];
  const order = columnOrder(layer, await readIntegers(layer, 'g_idx'));
  const pieces = rowPieces(await readIntegers(layer, 'qweight'), rows, order);
  const values = await graph.weight(`${name}.weight`, 'uint8', [rows, blocks, blockSize / 2], pieces);
  const scales = scalesOfBlocks(await readScales(layer), rows, repeat);
  const scaleValue = await constantOf(graph, `${name}.scales`, scales, [rows, blocks], activations);
  const zeros = packZeroPoints(layer, await readIntegers(layer, 'qzeros'), rows, repeat);
  const zeroPoints = zeros && (await graph.constant(`${name}.zeros`, zeros, [rows, zeros.length / rows]));
  const biasValues = await weights.readFloat32(`${layer.name}.bias`);
  const bias = await constantOf(graph, `${name}.bias`, biasValues, [rows], activations);
  const input = order === undefined ? x : await reorder(graph, name, x, order);
  const matrix = { rows, columns, bits: 4, blockSize, values, scales: scaleValue, zeroPoints } as const;
  return matMulNBits(graph, name, input, matrix, bias);
}

function blockSizeOf(groupSize: number, { activations, evenRows }: LinearFormat): number {
  const whole = activations === 'float16' || (evenRows && groupSize === WIDE_BLOCK);
  return whole ? groupSize : SMALL_BLOCK;
}

/** A tensor of 32-bit words. */
async function readIntegers({ weights, name }: GptqLayer, part: string): Promise<Uint32Array> {
  const info = weights.tensors.get(`${name}.${part}`);
  const needed: DType = 'int32';
  if (info?.dtype !== needed) {
    throw new EideticError('invalid_checkpoint', `'${name}.${part}' holds ${info?.dtype}; GPTQ layers hold ${needed}.`);
  }
  return new Uint32Array((await weights.readRaw(`${name}.${part}`)).buffer);
}

async function readScales({ weights, name }: GptqLayer): Promise<Float32Array> {
  const scales = await weights.readFloat32(`${name}.scales`);
  const wrong = scales.find((scale) => !Number.isFinite(scale));
  if (wrong === undefined) return scales;
  throw new EideticError('invalid_checkpoint', `'${name}.scales' holds ${wrong}, which scales nothing.`);
}

/**
 * The column that stands at each position once every group lies together; absent where it does already.
 *
 * @param groupOf `g_idx`: the group of each column.
 */
function columnOrder({ name, scheme: { groupSize } }: GptqLayer, groupOf: Uint32Array): Uint32Array | undefined {
  if (groupOf.every((group, column) => group === Math.floor(column / groupSize))) return undefined;
  const order = Uint32Array.from(groupOf.keys()).sort((a, b) => (groupOf[a] ?? 0) - (groupOf[b] ?? 0) || a - b);
  const wrong = order.findIndex((column, at) => groupOf[column] !== Math.floor(at / groupSize));
  if (wrong < 0) return order;
  throw new EideticError(
    'invalid_checkpoint',
    `'${name}.g_idx' does not give every group ${groupSize} columns (group ${Math.floor(wrong / groupSize)}); unequal groups are not supported.`,
  );
}

async function reorder(graph: GraphBuilder, name: string, x: Value, order: Uint32Array): Promise<Value> {
  const indices = await graph.constant(`${name}.order`, BigInt64Array.from(order, BigInt), [order.length]);
  return graph.node(`${name}.ordered`, 'Gather', [x, indices], { attributes: { axis: -1n } });
}

/** Rows written at a time, whose words lie beside each other in each row of `qweight`. */
const STRIP_ROWS = 256;

/**
 * `qweight` `[columns / 8, rows]`, the first column of a word in its low nibble, as rows of MatMulNBits, which pack their
 * columns in the same order of nibbles.
 */
function* rowPieces(words: Uint32Array, rows: number, order: Uint32Array | undefined): Generator<Uint8Array> {
  const rowWords = words.length / rows;
  for (let first = 0; first < rows; first += STRIP_ROWS) {
    const count = Math.min(STRIP_ROWS, rows - first);
    const piece = new Uint32Array(count * rowWords);
    for (let w = 0; w < rowWords; w++) {
      for (let r = 0; r < count; r++) {
        const at = first + r;
        piece[r * rowWords + w] = order === undefined ? (words[w * rows + at] ?? 0) : wordOf(words, rows, at, order, w);
      }
    }
    yield new Uint8Array(piece.buffer);
  }
}

/** The word of eight levels of a row, beginning at position `w * 8` of the order. */
function wordOf(words: Uint32Array, rows: number, row: number, order: Uint32Array, w: number): number {
  let word = 0;
  for (let i = 0; i < PER_WORD; i++) {
    const column = order[w * PER_WORD + i] ?? 0;
    word |= nibble(words[Math.floor(column / PER_WORD) * rows + row] ?? 0, column % PER_WORD) << (4 * i);
  }
  return word;
}

const nibble = (word: number, index: number): number => (word >>> (4 * index)) & 15;

/** `scales` `[groups, rows]` as `[rows, blocks]`, each for `repeat` blocks. */
function scalesOfBlocks(scales: Float32Array, rows: number, repeat: number): Float32Array {
  const blocks = (scales.length / rows) * repeat;
  const out = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      out[row * blocks + block] = scales[Math.floor(block / repeat) * rows + row] ?? 0;
    }
  }
  return out;
}

/**
 * `qzeros` `[groups, rows / 8]` as zero points of MatMulNBits, each for `repeat` blocks; nothing where all of them are the
 * middle.
 */
function packZeroPoints(
  { name, scheme }: GptqLayer,
  words: Uint32Array,
  rows: number,
  repeat: number,
): Uint8Array | undefined {
  const rowWords = rows / PER_WORD;
  const blocks = (words.length / rowWords) * repeat;
  const rowBytes = Math.ceil(blocks / 2);
  const packed = new Uint8Array(rows * rowBytes);
  let symmetric = true;
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const group = Math.floor(block / repeat);
      const stored = nibble(words[group * rowWords + Math.floor(row / PER_WORD)] ?? 0, row % PER_WORD);
      const zero = stored + scheme.zeroOffset;
      if (zero > 15) throw ambiguousZero(name, group, row);
      symmetric &&= zero === MIDDLE;
      const at = row * rowBytes + (block >> 1);
      packed[at] = (packed[at] ?? 0) | (zero << (4 * (block % 2)));
    }
  }
  return symmetric ? undefined : packed;
}

/** AutoGPTQ cannot store a zero point of 0: less 1 it becomes 15, and its kernels differ in reading that as 0 or as 16. */
const ambiguousZero = (name: string, group: number, row: number): EideticError =>
  new EideticError(
    'invalid_checkpoint',
    `'${name}.qzeros' stores 15 for group ${group} of row ${row}, which may mean 0 or 16; quantise with sym true, or save as gptq_v2.`,
  );
