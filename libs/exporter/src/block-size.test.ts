import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Environment, type Session, Tensor } from '@eidetic/ort';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockSizeOf } from './block-size.ts';
import { type LinearFormat, linear } from './linear.ts';
import { denseMatrix } from './matrix.ts';
import { DataFile } from './onnx/data-file.ts';
import { GraphBuilder } from './onnx/graph-builder.ts';
import { encodeModel } from './onnx/model.ts';

/** Output features: a number that the kernels' four columns at a time do not divide. */
const ROWS = 50;

/** Most rows of activations at a time. */
const LARGEST = 256;

const INT8: LinearFormat = { precision: 'int8', activations: 'float32' };
const INT4: LinearFormat = { precision: 'int4', activations: 'float32' };
const WIDE: LinearFormat = { ...INT4, evenRows: true };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-blocks-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** Numbers in (-1, 1) that are the same every time. */
const numbers = (length: number, salt: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => {
    const x = Math.sin(i * 12.9898 + salt) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });

async function layerOf(columns: number, format: LinearFormat): Promise<Session> {
  const data = await DataFile.create(join(directory, 'm.data'), 'm.data');
  const graph = new GraphBuilder(data);
  const weight = denseMatrix(numbers(ROWS * columns, 1), ROWS, columns);
  const y = await linear(graph, 'y', graph.input('x', 'float32', ['batch', columns]), weight, format, numbers(ROWS, 2));
  graph.output(y, 'float32', ['batch', ROWS]);
  await data.finish();
  await writeFile(join(directory, 'm.onnx'), encodeModel(graph.model('test', '1')));
  return Environment.load().createSession(join(directory, 'm.onnx'));
}

async function multiply(layer: Session, x: Float32Array, count: number): Promise<Float32Array> {
  using binding = layer.bind();
  const out = new Float32Array(count * ROWS);
  using input = Tensor.fromArray(x, [count, x.length / count]);
  using output = Tensor.fromArray(out, [count, ROWS]);
  await binding.input('x', input).output('y', output).run();
  return out;
}

const EVEN = [2, 4, 6, 8, 16, 18, 64, 126, 128, 130, LARGEST];
const ANY = [1, 3, 5, 7, 9, 15, 17, 127, 129, 255, ...EVEN];

// Widths of the embedded model and of the published one.
describe.each([
  ['int8', 320, 32, INT8, ANY],
  ['int8', 832, 32, INT8, ANY],
  ['int8', 1088, 64, INT8, ANY],
  ['int8', 4096, 64, INT8, ANY],
  ['int8', 11008, 64, INT8, ANY],
  ['int8 of a multiple of 32 columns', 1056, 32, INT8, ANY],
  ['int4', 320, 32, INT4, ANY],
  ['int4', 832, 32, WIDE, ANY],
  ['int4', 4096, 32, INT4, ANY],
  ['int4 in even numbers of rows', 256, 128, WIDE, EVEN],
  ['int4 in even numbers of rows', 384, 128, WIDE, EVEN],
  ['int4 in even numbers of rows', 4096, 128, WIDE, EVEN],
  ['int4 in even numbers of rows', 11008, 128, WIDE, EVEN],
] as const)('%s over %i columns, in blocks of %i', (_, columns, blockSize, format, counts) => {
  it('gives a row the same bits in any such number of rows, wherever it lies', async () => {
    expect(blockSizeOf(columns, format)).toBe(blockSize);
    using layer = await layerOf(columns, format);
    const x = numbers(LARGEST * columns, 3);
    const all = await multiply(layer, x, LARGEST);
    for (const count of counts) {
      for (const first of new Set([0, 1, 2, 5, LARGEST - count])) {
        if (first + count > LARGEST) continue;
        const found = await multiply(layer, x.slice(first * columns, (first + count) * columns), count);
        expect(found, `${count} rows from ${first} on`).toEqual(all.slice(first * ROWS, (first + count) * ROWS));
      }
    }
  });
});

it.each(['int8', 'int4'] as const)('leaves %s for float16 activations in blocks of 32', (precision) => {
  expect(blockSizeOf(4096, { precision, activations: 'float16', evenRows: true })).toBe(32);
});
