import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identity, UINT8 } from '../test/tiny-onnx.ts';
import { Environment, Tensor } from './index.ts';

const environment = Environment.load();

describe('Session', () => {
  it('tells names, types and fixed, symbolic and unknown dimensions', async () => {
    using session = await environment.createSession(identity(UINT8, ['batch', 3, -1]));
    expect(session.inputs).toEqual([{ name: 'x', type: 'uint8', dims: ['batch', 3, -1] }]);
    expect(session.outputs).toEqual([{ name: 'y', type: 'uint8', dims: ['batch', 3, -1] }]);
  });

  it('computes on tensors, and parts of tensors, in its own memory', async () => {
    using session = await environment.createSession(identity());
    using rows = session.allocate('float32', [2, 3]);
    using result = session.allocate('float32', [3]);
    session.copy(Tensor.fromArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]), rows);
    using second = rows.view(3, [3]);
    rows.release(); // the view keeps the memory
    using binding = session.bind().input('x', second).output('y', result);
    await binding.run();
    const host = new Float32Array(4);
    session.copy(result, Tensor.fromArray(host, [4]).view(1, [3]));
    expect([...host]).toEqual([0, 4, 5, 6]);
    expect(result).toMatchObject({ location: 'cpu', type: 'float32', dims: [3], sizeBytes: 12 });
  });

  it('copies only between tensors of one type and size', async () => {
    using session = await environment.createSession(identity());
    using destination = session.allocate('float32', [4]);
    for (const source of [Tensor.fromArray(new Float32Array(3), [3]), Tensor.fromArray(new Int32Array(4), [4])]) {
      expect(() => session.copy(source, destination)).toThrow(
        `Cannot copy ${source.type} [${source.dims}] to float32 [4].`,
      );
    }
  });

  it('copies runs of elements within a tensor, and clears it', async () => {
    using session = await environment.createSession(identity());
    using tensor = session.allocate('int32', [2, 8]);
    const host = Int32Array.from({ length: 16 }, (_, i) => i);
    const read = (): number[] => {
      session.copy(tensor, Tensor.fromArray(host, [2, 8]));
      return [...host];
    };
    session.copy(Tensor.fromArray(host, [2, 8]), tensor);
    session.copyRuns(tensor, 1, 5, { length: 2, stride: 8, count: 2 });
    session.copyRuns(tensor, 0, 9, { length: 0, stride: 1, count: 2 });
    expect(read()).toEqual([0, 1, 2, 3, 4, 1, 2, 7, 8, 9, 10, 11, 12, 9, 10, 15]);
    for (const [from, to, count] of [
      [0, 15, 1],
      [15, 0, 1],
      [-1, 0, 1],
      [0, 1, 3],
    ] as const) {
      expect(() => session.copyRuns(tensor, from, to, { length: 2, stride: 8, count })).toThrow(/does not hold/);
    }
    session.clear(tensor);
    expect(read()).toEqual(new Array(16).fill(0));
  });

  it('keeps its bindings and tensors sound when it is released before them', async () => {
    const session = await environment.createSession(identity());
    const tensor = session.allocate('float32', [4]);
    const binding = session.bind().input('x', tensor).output('y', tensor);
    session.release();
    session.release();
    const released = expect.objectContaining({
      code: 'internal',
      message: expect.stringContaining('after its release'),
    });
    expect(() => session.bind()).toThrow(released);
    expect(() => session.allocate('float32', [1])).toThrow(released);
    expect(() => session.endProfiling()).toThrow(released);
    expect(() => binding.runSync()).toThrow(released);
    expect(() => session.copy(tensor, tensor)).toThrow(released);
    tensor.release();
    binding.release();
  });

  it('refuses to allocate more than there is', async () => {
    using session = await environment.createSession(identity());
    expect(() => session.allocate('float64', [2 ** 30, 2 ** 20])).toThrow(
      expect.objectContaining({ code: 'inference_failed' }),
    );
  });

  it('writes a profile where it is told to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-ort-'));
    try {
      using session = await environment.createSession(identity(), { profilePrefix: join(folder, 'profile') });
      const tensor = () => Tensor.fromArray(new Float32Array(4), [4]);
      using binding = session.bind().input('x', tensor()).output('y', tensor());
      binding.runSync();
      const path = session.endProfiling();
      expect(dirname(path)).toBe(folder);
      expect(JSON.parse(await readFile(path, 'utf8'))).toContainEqual(expect.objectContaining({ cat: 'Node' }));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
