/**
 * Run by lifetime.test.ts as `node --expose-gc moving.ts`: the collector runs while native code points into small arrays
 * (which live in V8's heap, where things move) and into arrays that only a binding or a run refers to.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Environment, Tensor } from '../src/index.ts';
import { INT32, identity, matmul } from './tiny-onnx.ts';

const { gc } = globalThis;
if (!gc) throw new Error('run with --expose-gc');

const environment = Environment.load();

async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    Array.from({ length: 10_000 }, (_, n) => new Int32Array(8).fill(n));
    gc?.();
    await turn();
  }
}

async function smallArrays(): Promise<boolean> {
  const session = await environment.createSession(identity(INT32));
  const pairs = Array.from({ length: 100 }, (_, i) => {
    const [from, to] = [new Int32Array(2), new Int32Array(2)];
    const binding = session
      .bind()
      .input('x', Tensor.fromArray(from, [2]))
      .output('y', Tensor.fromArray(to, [2]));
    return { i, from, to, binding };
  });
  await collect();
  return pairs.every(({ i, from, to, binding }) => {
    from.fill(i + 1);
    binding.runSync();
    return to.every((value) => value === i + 1);
  });
}

async function forgotten(): Promise<boolean> {
  const side = 256;
  const result = new Float32Array(side * side);
  const start = async (): Promise<void> => {
    const session = await environment.createSession(matmul(50), { intraOpThreads: 1 });
    const unit = new Float32Array(side * side);
    for (let i = 0; i < side; i++) unit[i * side + i] = 1;
    const [a, b, product] = [new Float32Array(side * side).fill(2), unit, result].map((array) =>
      Tensor.fromArray(array, [side, side]),
    ) as [Tensor, Tensor, Tensor];
    running = session.bind().input('a', a).input('b', b).output('product', product).run();
  };
  let running = Promise.resolve();
  await start();
  await collect();
  await running;
  return result.every((value) => value === 2);
}

process.stdout.write((await smallArrays()) && (await forgotten()) ? 'sound' : 'corrupt');
