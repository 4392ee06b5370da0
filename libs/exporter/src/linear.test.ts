import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Environment, Tensor } from '@eidetic/ort';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LinearFormat, linear } from './linear.ts';
import { denseMatrix } from './matrix.ts';
import { DataFile } from './onnx/data-file.ts';
import { GraphBuilder } from './onnx/graph-builder.ts';
import { encodeModel } from './onnx/model.ts';

const ROWS = 96;
const COLUMNS = 64;
const BATCH = 3;

/** Numbers in (-1, 1) that are the same every time. */
const numbers = (length: number, salt: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + salt) * 0.9);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-linear-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function run(format: LinearFormat, x: Float32Array, bias?: Float32Array): Promise<Float32Array> {
  const data = await DataFile.create(join(directory, 'm.data'), 'm.data');
  const graph = new GraphBuilder(data);
  const weight = denseMatrix(numbers(ROWS * COLUMNS, 1), ROWS, COLUMNS);
  const y = await linear(graph, 'y', graph.input('x', 'float32', ['batch', COLUMNS]), weight, format, bias);
  graph.output(y, 'float32', ['batch', ROWS]);
  await data.finish();
  const path = join(directory, 'm.onnx');
  await writeFile(path, encodeModel(graph.model('test', '1')));
  using session = await Environment.load().createSession(path);
  using binding = session.bind();
  const out = new Float32Array((x.length / COLUMNS) * ROWS);
  binding.input('x', Tensor.fromArray(x, [x.length / COLUMNS, COLUMNS]));
  await binding.output('y', Tensor.fromArray(out, [x.length / COLUMNS, ROWS])).run();
  return out;
}

function expected(x: Float32Array, bias?: Float32Array): Float32Array {
  const weight = numbers(ROWS * COLUMNS, 1);
  return Float32Array.from({ length: BATCH * ROWS }, (_, at) => {
    const [row, out] = [Math.floor(at / ROWS), at % ROWS];
    let sum = bias?.[out] ?? 0;
    for (let k = 0; k < COLUMNS; k++) sum += (x[row * COLUMNS + k] ?? 0) * (weight[out * COLUMNS + k] ?? 0);
    return sum;
  });
}

describe('linear', () => {
  const x = numbers(BATCH * COLUMNS, 7);

  // Largest error on outputs of magnitude up to 8; each is a small multiple of the format's rounding step.
  it.each([
    ['float32', 1e-5],
    ['float16', 5e-3],
    ['int8', 0.15],
    ['int4', 1.2],
  ] as const)('multiplies by the transposed matrix and adds the bias in %s', async (precision, tolerance) => {
    const bias = numbers(ROWS, 3);
    const found = await run({ precision, activations: 'float32' }, x, bias);
    const worst = Math.max(...expected(x, bias).map((y, i) => Math.abs(y - (found[i] ?? Number.NaN))));
    expect(worst).toBeLessThan(tolerance);
  });

  it.each(['float32', 'int8', 'int4'] as const)(
    'gives a row the same bits alone and in a batch in %s',
    async (precision) => {
      const batch = await run({ precision, activations: 'float32' }, x);
      await rm(join(directory, 'm.data'));
      const alone = await run({ precision, activations: 'float32' }, x.slice(COLUMNS, 2 * COLUMNS));
      expect(alone).toEqual(batch.slice(ROWS, 2 * ROWS));
    },
  );
});

describe('a format that does not fit', () => {
  const add = async (columns: number, weight: Float32Array, format: LinearFormat): Promise<unknown> => {
    const data = await DataFile.create(join(directory, 'm.data'), 'm.data');
    const graph = new GraphBuilder(data);
    try {
      return await linear(graph, 'y', 'x', denseMatrix(weight, 2, columns), format, new Float32Array(2));
    } finally {
      await data.abandon();
    }
  };

  it.each(['int8', 'int4'] as const)('refuses to quantise rows that are not whole blocks to %s', async (precision) => {
    await expect(add(48, new Float32Array(96), { precision, activations: 'float32' })).rejects.toMatchObject({
      code: 'invalid_checkpoint',
      message: expect.stringMatching(/^y has 48 columns.*multiple of 32/),
    });
  });

  it('refuses weights that would become infinite in float16', async () => {
    const weight = new Float32Array(64).fill(-65_504);
    await add(32, weight, { precision: 'float16', activations: 'float32' });
    await rm(join(directory, 'm.data'));
    weight[40] = -70_000;
    await expect(add(32, weight, { precision: 'float16', activations: 'float32' })).rejects.toMatchObject({
      code: 'invalid_checkpoint',
      message: expect.stringMatching(/^y holds -70000/),
    });
  });
});
