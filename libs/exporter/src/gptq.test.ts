import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '@eidetic/checkpoint';
import { type SafetensorsEntry, writeSafetensors } from '@eidetic/checkpoint/writers';
import { EideticError } from '@eidetic/core';
import { Environment, Tensor } from '@eidetic/ort';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  dequantize,
  groupsInOrder,
  type PackedLayer,
  packLayer,
  type QuantizedLayer,
  type ZeroOffset,
} from '../../../test/support/gptq-layer.ts';
import { gptqLinear, gptqTensors } from './gptq.ts';
import type { ActivationType } from './linear.ts';
import { DataFile } from './onnx/data-file.ts';
import { GraphBuilder } from './onnx/graph-builder.ts';
import { encodeModel, type Model } from './onnx/model.ts';

/** Checkpoints of which bytes are changed; more find more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 100);
const TIMEOUT_MS = 30_000 + 50 * RUNS;

const ROWS = 40;
const COLUMNS = 384;

/** Whole numbers below `bound` that are the same every time. */
const numbers = (length: number, bound: number, salt: number): number[] =>
  Array.from({ length }, (_, i) => Math.floor(Math.abs(Math.sin((i + 1) * 12.9898 + salt) * 43758.5453) % bound));

function layerOf(groupSize: number, change: Partial<QuantizedLayer> = {}): QuantizedLayer {
  const groups = COLUMNS / groupSize;
  return {
    rows: ROWS,
    columns: COLUMNS,
    levels: Uint8Array.from(numbers(ROWS * COLUMNS, 16, 1)),
    groupOf: groupsInOrder(COLUMNS, groupSize),
    zeros: new Uint8Array(groups * ROWS).fill(8),
    scales: Float16Array.from(numbers(groups * ROWS, 1000, 2), (x) => (x - 300) / 9000),
    bias: Float16Array.from(numbers(ROWS, 100, 3), (x) => (x - 50) / 64),
    ...change,
  };
}

let directory: string;
let checkpoint: Checkpoint;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-gptq-'));
});

afterEach(async () => {
  await checkpoint.close();
  await rm(directory, { recursive: true });
});

const entry = (dtype: string, data: Int32Array | Float16Array, shape: readonly number[]): SafetensorsEntry => ({
  dtype,
  shape,
  bytes: new Uint8Array(data.buffer),
});

interface ModelOptions {
  readonly zeroOffset?: ZeroOffset;
  readonly change?: Record<string, SafetensorsEntry>;
  readonly activations?: ActivationType;
  readonly evenRows?: boolean;
}

/** The model of one layer, as the exporter writes it, of a checkpoint that holds it. */
async function modelOf(
  packed: PackedLayer,
  groupSize: number,
  { zeroOffset = 1, change = {}, activations = 'float32', evenRows = false }: ModelOptions = {},
): Promise<Model> {
  const { rows, columns } = packed;
  const groups = packed.scales.length / rows;
  const tensors = {
    'h.qweight': entry('I32', packed.qweight, [columns / 8, rows]),
    'h.qzeros': entry('I32', packed.qzeros, [groups, rows / 8]),
    'h.scales': entry('F16', packed.scales, [groups, rows]),
    'h.g_idx': entry('I32', packed.g_idx, [columns]),
    'h.bias': entry('F16', packed.bias, [rows]),
    ...change,
  };
  await writeFile(join(directory, 'model.safetensors'), writeSafetensors(tensors));
  await writeFile(join(directory, 'config.json'), '{}');
  checkpoint = await openCheckpoint(directory);
  const data = await DataFile.create(join(directory, 'm.data'), 'm.data');
  const graph = new GraphBuilder(data);
  const x = graph.input('x', activations, ['batch', columns]);
  const layer = { weights: checkpoint, name: 'h', scheme: { groupSize, zeroOffset } };
  try {
    graph.output(await gptqLinear(graph, 'y', x, layer, { precision: 'int4', activations, evenRows }), activations, [
      'batch',
      rows,
    ]);
  } finally {
    await data.finish();
  }
  return graph.model('test', '1');
}

/** As accuracy level 0: without rounding the activations. */
const exactly = (model: Model): Model => ({
  ...model,
  nodes: model.nodes.map((node) =>
    node.op === 'MatMulNBits' ? { ...node, attributes: { ...node.attributes, accuracy_level: 0n } } : node,
  ),
});

async function run<Elements extends Float32Array | Float16Array>(model: Model, x: Elements): Promise<Elements> {
  const path = join(directory, 'm.onnx');
  await writeFile(path, encodeModel(model));
  using session = await Environment.load().createSession(path);
  using binding = session.bind();
  const out = x.slice(0, (x.length / COLUMNS) * ROWS) as Elements;
  binding.input('x', Tensor.fromArray(x, [x.length / COLUMNS, COLUMNS]));
  await binding.output('y', Tensor.fromArray(out, [x.length / COLUMNS, ROWS])).run();
  return out;
}

const identity = Float32Array.from({ length: COLUMNS ** 2 }, (_, i) => (i % (COLUMNS + 1) === 0 ? 1 : 0));

/** What the identity gives: each weight plus its row's bias, `[columns, rows]`. */
function expected(weights: Float32Array, bias: Float16Array): Float32Array {
  return Float32Array.from(
    { length: weights.length },
    (_, i) => (weights[(i % ROWS) * COLUMNS + Math.floor(i / ROWS)] ?? Number.NaN) + (bias[i % ROWS] ?? Number.NaN),
  );
}

/** A zero point of 0 cannot be stored by AutoGPTQ; `gptq_v2` has it. */
const asymmetric = (groupSize: number, least: number): Uint8Array =>
  Uint8Array.from(numbers((COLUMNS / groupSize) * ROWS, 16 - least, 4), (x) => x + least);

/** Columns that were quantised in another order, in groups of equal size. */
function shuffledGroups(groupSize: number): Int32Array {
  const keys = numbers(COLUMNS, 1e6, 5);
  const order = Array.from(keys.keys()).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
  const groupOf = new Int32Array(COLUMNS);
  for (const [at, column] of order.entries()) groupOf[column] = Math.floor(at / groupSize);
  return groupOf;
}

describe.each([32, 64, 128])('a GPTQ layer in groups of %i', (groupSize) => {
  it.each<[string, Partial<QuantizedLayer>, ZeroOffset]>([
    ['symmetric', {}, 1],
    ['asymmetric', { zeros: asymmetric(groupSize, 1) }, 1],
    ['asymmetric, of gptq_v2', { zeros: asymmetric(groupSize, 0) }, 0],
    ['symmetric, of columns in another order', { groupOf: shuffledGroups(groupSize) }, 1],
    [
      'asymmetric, of columns in another order',
      { groupOf: shuffledGroups(groupSize), zeros: asymmetric(groupSize, 1) },
      1,
    ],
  ])('has the weights of its checkpoint, bit for bit: %s', async (_, change, zeroOffset) => {
    const packed = packLayer(layerOf(groupSize, change), zeroOffset);
    const found = await run(exactly(await modelOf(packed, groupSize, { zeroOffset })), identity);
    expect(found).toEqual(expected(dequantize(packed, zeroOffset), packed.bias));
  });

  it('is one block to a group for a GPU, with the same weights', async () => {
    const packed = packLayer(layerOf(groupSize, { zeros: asymmetric(groupSize, 1), bias: new Float16Array(ROWS) }));
    const model = exactly(await modelOf(packed, groupSize, { activations: 'float16' }));
    expect(model.nodes.at(-1)?.attributes).toMatchObject({ block_size: BigInt(groupSize) });
    const found = await run(model, new Float16Array(identity));
    expect(found).toEqual(new Float16Array(expected(dequantize(packed), packed.bias)));
  });

  it.each<[string, Partial<QuantizedLayer>]>([
    ['symmetric', {}],
    ['asymmetric', { zeros: asymmetric(groupSize, 1) }],
  ])('gives a row the same bits alone and in a batch: %s', async (_, change) => {
    const model = await modelOf(packLayer(layerOf(groupSize, change)), groupSize);
    const x = Float32Array.from(numbers(5 * COLUMNS, 2000, 6), (value) => value / 1000 - 1);
    const batch = await run(model, x);
    for (let row = 0; row < 5; row++) {
      const alone = await run(model, x.slice(row * COLUMNS, (row + 1) * COLUMNS));
      expect(alone).toEqual(batch.slice(row * ROWS, (row + 1) * ROWS));
    }
  });

  it.each([false, true])(
    'has the weights of its checkpoint in a graph of even rows, asymmetric: %s',
    async (isAsymmetric) => {
      const packed = packLayer(layerOf(groupSize, isAsymmetric ? { zeros: asymmetric(groupSize, 1) } : {}));
      const model = await modelOf(packed, groupSize, { evenRows: true });
      const blockSize = model.nodes.find(({ op }) => op === 'MatMulNBits')?.attributes.block_size;
      expect(blockSize).toBe(groupSize === 128 ? 128n : 32n);
      expect(await run(exactly(model), identity)).toEqual(expected(dequantize(packed), packed.bias));
    },
  );

  it.each([false, true])('gives a row the same bits in even numbers of rows, asymmetric: %s', async (isAsymmetric) => {
    const packed = packLayer(layerOf(groupSize, isAsymmetric ? { zeros: asymmetric(groupSize, 1) } : {}));
    const model = await modelOf(packed, groupSize, { evenRows: true });
    const x = Float32Array.from(numbers(16 * COLUMNS, 2000, 6), (value) => value / 1000 - 1);
    const batch = await run(model, x);
    for (const [first, count] of [0, 1, 2, 7].flatMap((from) => [2, 4, 8].map((rows) => [from, rows] as const))) {
      const some = await run(model, x.slice(first * COLUMNS, (first + count) * COLUMNS));
      expect(some).toEqual(batch.slice(first * ROWS, (first + count) * ROWS));
    }
  });

  it('takes zero points along only where they are not the middle', async () => {
    const inputsOf = ({ nodes }: Model) => nodes.find(({ op }) => op === 'MatMulNBits')?.inputs;
    expect(inputsOf(await modelOf(packLayer(layerOf(groupSize)), groupSize))).toEqual([
      'x',
      'y.weight',
      'y.scales',
      '',
      '',
      'y.bias',
    ]);
  });
});

describe('a GPTQ layer that is refused', () => {
  const refusal = (packed: PackedLayer, change: Record<string, SafetensorsEntry> = {}) =>
    modelOf(packed, 64, { change }).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );

  it('names a zero point that AutoGPTQ could not store', async () => {
    const zeros = asymmetric(64, 1);
    zeros[2 * ROWS + 7] = 0;
    expect(await refusal(packLayer(layerOf(64, { zeros })))).toMatchObject({
      code: 'invalid_checkpoint',
      message: expect.stringMatching(/'h\.qzeros' stores 15 for group 2 of row 7.*gptq_v2/),
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('names a scale that is %s', async (scale) => {
    const { scales } = layerOf(64);
    scales[100] = scale;
    expect(await refusal(packLayer(layerOf(64, { scales })))).toMatchObject({
      code: 'invalid_checkpoint',
      message: `'h.scales' holds ${scale}, which scales nothing.`,
    });
  });

  it('names groups of unequal size', async () => {
    const groupOf = groupsInOrder(COLUMNS, 64);
    groupOf[200] = 1;
    expect(await refusal(packLayer(layerOf(64, { groupOf })))).toMatchObject({
      code: 'invalid_checkpoint',
      message: expect.stringMatching(/'h\.g_idx' does not give every group 64 columns \(group 2\)/),
    });
  });

  it.each([-1, 6, 2 ** 31 - 1])('names a group that there is not: %i', async (group) => {
    const groupOf = groupsInOrder(COLUMNS, 64);
    groupOf[3] = group;
    expect(await refusal(packLayer(layerOf(64, { groupOf })))).toMatchObject({ code: 'invalid_checkpoint' });
  });

  it.each(['qweight', 'qzeros', 'g_idx'])('names a tensor of another element type: %s', async (part) => {
    const packed = packLayer(layerOf(64));
    const shape = gptqTensors('h', ROWS, COLUMNS, { groupSize: 64, zeroOffset: 1 }).find(
      ([name]) => name === `h.${part}`,
    )?.[1];
    const size = shape?.reduce((a, b) => a * b, 1) ?? 0;
    const change = { [`h.${part}`]: entry('F16', new Float16Array(size), shape ?? []) };
    expect(await refusal(packed, change)).toMatchObject({
      code: 'invalid_checkpoint',
      message: `'h.${part}' holds float16; GPTQ layers hold int32.`,
    });
  });

  it.each([
    [40, 320, 128],
    [44, 384, 64],
  ])('is of %i by %i in groups of %i', (rows, columns, groupSize) => {
    checkpoint = { close: async () => undefined } as Checkpoint;
    expect(() => gptqTensors('h', rows, columns, { groupSize, zeroOffset: 1 })).toThrow(/'h' is \[4/);
  });
});

it(
  'has the weights of a checkpoint of which bytes were changed, bit for bit, or refuses it',
  async () => {
    let refused = 0;
    const random = numbers(RUNS * 20, 1e9, 7).values();
    const next = (bound: number): number => (random.next().value ?? 0) % bound;
    for (let i = 0; i < RUNS; i++) {
      const packed = packLayer(layerOf(64, { zeros: asymmetric(64, 1) }));
      const parts = [packed.qweight, packed.qzeros, packed.scales, packed.g_idx];
      for (let edits = 1 + next(3); edits > 0; edits--) {
        const { buffer } = parts[next(parts.length)] ?? packed.qweight;
        new Uint8Array(buffer)[next(buffer.byteLength)] = next(256);
      }
      try {
        const found = await run(exactly(await modelOf(packed, 64)), identity);
        expect(found).toEqual(expected(dequantize(packed), packed.bias));
      } catch (error) {
        if (!(error instanceof EideticError) || error.code !== 'invalid_checkpoint') throw error;
        refused++;
      } finally {
        await checkpoint.close();
        await rm(join(directory, 'm.data'));
      }
    }
    if (process.env.FUZZ_RUNS !== undefined) console.table({ refused, read: RUNS - refused });
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(RUNS);
  },
  TIMEOUT_MS,
);
