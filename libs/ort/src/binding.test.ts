import { describe, expect, it } from 'vitest';
import { add, identity, matmul } from '../test/tiny-onnx.ts';
import { Binding } from './binding.ts';
import { Handle } from './handle.ts';
import { Environment, type Session, Tensor } from './index.ts';
import { loadLibrary } from './library.ts';
import type { SessionCore } from './session-core.ts';

const environment = Environment.load();
const floats = (...values: number[]) => Tensor.fromArray(Float32Array.from(values), [values.length]);

describe('Binding', () => {
  it('runs again and again on what its arrays hold at the time', async () => {
    using session = await environment.createSession(add());
    const [a, sum] = [Float32Array.of(1, 2), new Float32Array(2)];
    using binding = session.bind();
    binding
      .input('a', Tensor.fromArray(a, [2]))
      .input('b', floats(10, 20))
      .output('sum', Tensor.fromArray(sum, [2]));
    await binding.run();
    expect([...sum]).toEqual([11, 22]);
    a.fill(5);
    binding.runSync();
    expect([...sum]).toEqual([15, 25]);
    binding.input('b', floats(0, 1)).runSync();
    expect([...sum]).toEqual([5, 6]);
  });

  it('updates a tensor in place that is input and output', async () => {
    using session = await environment.createSession(add());
    const array = Float32Array.of(1, 2);
    const tensor = Tensor.fromArray(array, [2]);
    using binding = session.bind().input('a', tensor).input('b', floats(1, 1)).output('sum', tensor);
    for (let i = 0; i < 3; i++) await binding.run();
    expect([...array]).toEqual([4, 5]);
  });

  it.each<[string, (binding: Binding) => void, string]>([
    ['an unknown input', (b) => b.input('c', floats(1)), 'has no input "c". It has "a", "b".'],
    ['an unknown output', (b) => b.output('a', floats(1)), 'has no output "a". It has "sum".'],
    ['another type', (b) => b.input('a', Tensor.fromArray(new Int32Array(2), [2, 1])), '"a" of'],
    ['another rank', (b) => b.output('sum', floats(1)), 'is float32 [n,2], not float32 [1].'],
    ['another fixed size', (b) => b.input('b', Tensor.fromArray(new Float32Array(3), [1, 3])), 'not float32 [1,3].'],
  ])('names what does not fit: %s', async (_, bind, message) => {
    using session = await environment.createSession(add(undefined, ['n', 2]));
    using binding = session.bind();
    expect(() => bind(binding)).toThrow(
      expect.objectContaining({ code: 'inference_failed', message: expect.stringContaining(message) }),
    );
  });

  it('fails a run with what onnxruntime says, and can run after', async () => {
    using session = await environment.createSession(add());
    using binding = session.bind().input('a', floats(1, 2));
    await expect(binding.run()).rejects.toMatchObject({
      code: 'inference_failed',
      message: expect.stringContaining('b'),
    });
    const sum = new Float32Array(2);
    binding.input('b', floats(1, 1)).output('sum', floats(0, 0, 0));
    expect(() => binding.runSync()).toThrow(expect.objectContaining({ code: 'inference_failed' }));
    binding.output('sum', Tensor.fromArray(sum, [2])).runSync();
    expect([...sum]).toEqual([2, 3]);
  });

  it('refuses a run when the buffer of a bound array has gone', async () => {
    using session = await environment.createSession(identity());
    for (const gone of ['x', 'y']) {
      const arrays = { x: new Float32Array(4), y: new Float32Array(4) };
      using binding = session.bind();
      binding.input('x', Tensor.fromArray(arrays.x, [4])).output('y', Tensor.fromArray(arrays.y, [4]));
      (gone === 'x' ? arrays.x : arrays.y).buffer.transfer();
      expect(() => binding.runSync()).toThrow(/detached/);
      await expect(binding.run()).rejects.toThrow(/detached/);
    }
  });

  it('refuses use while it runs and after its release, which may come twice', async () => {
    using session = await environment.createSession(matmul(20));
    const { binding } = product(session);
    const running = binding.run();
    const busy = expect.objectContaining({ code: 'internal', message: expect.stringContaining('while it runs') });
    expect(() => binding.input('a', floats(1))).toThrow(busy);
    expect(() => binding.runSync()).toThrow(busy);
    await expect(binding.run()).rejects.toThrow(busy);
    await running;
    binding.release();
    binding.release();
    const released = expect.objectContaining({
      code: 'internal',
      message: expect.stringContaining('after its release'),
    });
    expect(() => binding.runSync()).toThrow(released);
    expect(() => binding.output('product', floats(1))).toThrow(released);
  });

  it('finishes a run whose session, binding and tensors are released meanwhile', async () => {
    const session = await environment.createSession(matmul(20), { intraOpThreads: 1 });
    const { binding, tensors, result } = product(session);
    const running = binding.run();
    for (const tensor of tensors) tensor.release();
    binding.release();
    session.release();
    await running;
    expect(result).toEqual(new Float32Array(result.length).fill(2));
  });

  it('runs beside other bindings of its session', async () => {
    using session = await environment.createSession(add());
    const sums = await Promise.all(
      Array.from({ length: 32 }, async (_, i) => {
        const sum = new Float32Array(2);
        using binding = session.bind().input('a', floats(i, i)).input('b', floats(1, 2));
        await binding.output('sum', Tensor.fromArray(sum, [2])).run();
        return [...sum];
      }),
    );
    expect(sums).toEqual(Array.from({ length: 32 }, (_, i) => [i + 1, i + 2]));
  });

  it('leaves the event loop free while it runs', async () => {
    using session = await environment.createSession(matmul(100), { intraOpThreads: 1 });
    using binding = product(session).binding;
    let [running, turns] = [true, 0];
    const run = binding.run().finally(() => {
      running = false;
    });
    while (running) {
      turns++;
      await new Promise(setImmediate);
    }
    await run;
    expect(turns).toBeGreaterThan(20);
  });

  it('refuses more runs at a time than koffi takes, and does those that it took', async () => {
    using session = await environment.createSession(identity());
    const runs = Array.from({ length: 300 }, async () => {
      using binding = session.bind().input('x', floats(1)).output('y', floats(0));
      await binding.run();
    });
    const refused = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(100);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded' });
  });

  it('keeps the value of a released tensor until something else is bound in its place', () => {
    const { calls, core } = gpuLikeSession();
    const [first, second] = [floats(1), floats(2)];
    const binding = new Binding(core).input('x', first);
    first.release();
    expect(calls).not.toContain('ReleaseValue');
    binding.input('x', second);
    expect(calls.filter((call) => call === 'ReleaseValue')).toHaveLength(1);
    second.release();
    expect(calls.filter((call) => call === 'ReleaseValue')).toHaveLength(1);
    binding.release();
    expect(calls.slice(-2)).toEqual(['ReleaseIoBinding', 'ReleaseValue']);
    expect(calls.filter((call) => call === 'ReleaseValue')).toHaveLength(2);
  });

  it('hands host inputs to a GPU anew at every run', async () => {
    const { calls, core } = gpuLikeSession();
    using tensor = floats(1);
    using binding = new Binding(core);
    binding.input('x', tensor);
    calls.length = 0;
    binding.runSync();
    binding.runSync();
    expect(calls).toEqual(['BindInput x', 'RunWithBinding', 'BindInput x', 'RunWithBinding']);
  });

  it('tells a GPU which CUDA graph its runs are captured as', async () => {
    const { calls, core } = gpuLikeSession();
    using tensor = floats(1);
    const binding = new Binding(core, { cudaGraphId: 7 }).input('x', tensor);
    binding.runSync();
    expect(calls.filter((call) => !call.startsWith('Bind'))).toEqual([
      'AddRunConfigEntry gpu_graph_id',
      'RunWithBinding 5',
    ]);
    binding.release();
    expect(calls).toContain('ReleaseRunOptions');
  });
});

const SIDE = 256;

/** `product = a b` with a of twos and b the unit matrix: a run long enough to do something meanwhile. */
function product(session: Session) {
  const unit = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < SIDE; i++) unit[i * SIDE + i] = 1;
  const result = new Float32Array(SIDE * SIDE);
  const tensors = [new Float32Array(SIDE * SIDE).fill(2), unit, result].map((x) => Tensor.fromArray(x, [SIDE, SIDE]));
  const [a, b, out] = tensors as [Tensor, Tensor, Tensor];
  return { binding: session.bind().input('a', a).input('b', b).output('product', out), tensors, result };
}

/** No GPU here: what stands for a session of one, and records the calls that a binding makes. */
function gpuLikeSession(): { calls: string[]; core: SessionCore } {
  const calls: string[] = [];
  const library = loadLibrary();
  const record = (name: string) => (_: unknown, argument: unknown) =>
    calls.push(argument ? `${name} ${argument}` : name);
  const api = {
    ...library.api,
    CreateIoBinding: () => 1n,
    ReleaseIoBinding: record('ReleaseIoBinding'),
    CreateTensorWithDataAsOrtValue: () => 1n,
    ReleaseValue: record('ReleaseValue'),
    CreateRunOptions: () => 5n,
    AddRunConfigEntry: record('AddRunConfigEntry'),
    ReleaseRunOptions: record('ReleaseRunOptions'),
    BindInput: record('BindInput'),
    RunWithBinding: record('RunWithBinding'),
  } as unknown as typeof library.api;
  const info = { name: 'x', type: 'float32', dims: ['n'] } as const;
  const core: SessionCore = {
    library: { ...library, api },
    handle: new Handle(1n, () => undefined),
    model: 'model.onnx',
    device: { location: 'cuda', id: 0 },
    inputs: new Map([['x', info]]),
    outputs: new Map(),
    released: false,
  };
  return { calls, core };
}
