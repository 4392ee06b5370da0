import { describe, expect, it } from 'vitest';
import { identity } from '../test/tiny-onnx.ts';
import { elementCode } from './element-type.ts';
import { type ElementType, Environment, Tensor, type TensorArray } from './index.ts';
import { loadLibrary } from './library.ts';
import { valueIn } from './tensor.ts';

const environment = Environment.load();

describe('Tensor', () => {
  it.each<[ElementType, TensorArray, TensorArray]>([
    ['float32', Float32Array.of(1.5, -2), new Float32Array(2)],
    ['float64', Float64Array.of(1.5, -2), new Float64Array(2)],
    ['float16', Float16Array.of(1.5, -2), new Float16Array(2)],
    ['float16', Uint16Array.of(0x3c00, 0xc000), new Uint16Array(2)],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc000), new Uint16Array(2)],
    ['int8', Int8Array.of(1, -2), new Int8Array(2)],
    ['int16', Int16Array.of(1, -2), new Int16Array(2)],
    ['int32', Int32Array.of(1, -2), new Int32Array(2)],
    ['int64', BigInt64Array.of(1n, -2n), new BigInt64Array(2)],
    ['uint8', Uint8Array.of(1, 254), new Uint8Array(2)],
    ['uint8', Buffer.from([1, 254]), Buffer.alloc(2)],
    ['uint16', Uint16Array.of(1, 65534), new Uint16Array(2)],
    ['uint32', Uint32Array.of(1, 4294967294), new Uint32Array(2)],
    ['uint64', BigUint64Array.of(1n, 2n ** 64n - 1n), new BigUint64Array(2)],
    ['bool', Uint8Array.of(0, 1), new Uint8Array(2)],
  ])('takes %s elements through a graph', async (type, from, to) => {
    using session = await environment.createSession(identity(elementCode(type)));
    using binding = session.bind();
    binding
      .input('x', Tensor.fromArray(from, [2], type))
      .output('y', Tensor.fromArray(to, [2], type))
      .runSync();
    expect(to).toEqual(from);
    expect(session.inputs).toEqual([{ name: 'x', type, dims: ['n'] }]);
  });

  it('shares memory with a view in the middle of its array', async () => {
    using session = await environment.createSession(identity());
    const [from, to] = [Float32Array.of(0, 1, 2, 3), new Float32Array(5)];
    using binding = session.bind();
    binding
      .input('x', Tensor.fromArray(from.subarray(1, 3), [2]))
      .output('y', Tensor.fromArray(to.subarray(2, 4), [2]));
    from[1] = 7;
    binding.runSync();
    expect([...to]).toEqual([0, 0, 7, 2, 0]);
  });

  it('takes scalars and empty tensors', async () => {
    using scalar = await environment.createSession(identity(elementCode('int32'), []));
    const to = new Int32Array(1);
    using one = scalar.bind();
    one
      .input('x', Tensor.fromArray(Int32Array.of(42), []))
      .output('y', Tensor.fromArray(to, []))
      .runSync();
    expect(to[0]).toBe(42);

    using session = await environment.createSession(identity());
    using empty = session.bind();
    const nothing = () => Tensor.fromArray(new Float32Array(0), [0]);
    empty.input('x', nothing()).output('y', nothing()).runSync();
  });

  it.each<[string, () => Tensor, RegExp]>([
    ['another number of elements', () => Tensor.fromArray(new Int8Array(5), [2, 3]), /\[2,3\] has 6.*has 5/],
    ['a negative dimension', () => Tensor.fromArray(new Int8Array(5), [-5]), /\[-5\] is no shape/],
    ['a fractional dimension', () => Tensor.fromArray(new Int8Array(1), [0.5, 2]), /is no shape/],
    ['a type that the array does not hold', () => Tensor.fromArray(new Int8Array(1), [1], 'int32'), /Int8Array.*int32/],
    ['clamped bytes', () => Tensor.fromArray(new Uint8ClampedArray(1) as never, [1]), /Uint8ClampedArray/],
    ['a shared buffer', () => Tensor.fromArray(new Int8Array(new SharedArrayBuffer(1)), [1]), /shared/],
    ['a resizable buffer', () => Tensor.fromArray(new Int8Array(resizable()), [8]), /resizable/],
    ['a detached buffer', () => Tensor.fromArray(detached(), [0]), /detached/],
    ['a view past the end', () => Tensor.fromArray(new Int8Array(4), [4]).view(3, [2]), /\[2\] from element 3.*\[4\]/],
    ['a view before the start', () => Tensor.fromArray(new Int8Array(4), [4]).view(-1, [2]), /from element -1/],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'inference_failed', message: expect.stringMatching(message) }),
    );
  });

  it('refuses to be bound when its buffer has gone', async () => {
    using session = await environment.createSession(identity());
    using binding = session.bind();
    const array = new Float32Array(4);
    const tensor = Tensor.fromArray(array, [4]);
    array.buffer.transfer();
    expect(() => binding.input('x', tensor)).toThrow(/detached/);
  });

  it('refuses use after its release, which may come twice', async () => {
    using session = await environment.createSession(identity());
    using binding = session.bind();
    const [host, native] = [Tensor.fromArray(new Float32Array(4), [4]), session.allocate('float32', [4])];
    for (const tensor of [host, native]) {
      tensor.release();
      tensor.release();
      const released = expect.objectContaining({
        code: 'internal',
        message: expect.stringContaining('after its release'),
      });
      expect(() => binding.input('x', tensor)).toThrow(released);
      expect(() => tensor.view(0, [1])).toThrow(released);
    }
  });

  it('refuses to serve two libraries', () => {
    const library = loadLibrary();
    const tensor = Tensor.fromArray(new Float32Array(4), [4]);
    valueIn(tensor, library);
    expect(() => valueIn(tensor, { ...library, path: '/other.so' })).toThrow(/belongs to .* not to \/other\.so/);
  });
});

const resizable = () => new ArrayBuffer(8, { maxByteLength: 16 });

function detached(): Int8Array {
  const array = new Int8Array(8);
  array.buffer.transfer();
  return array;
}
