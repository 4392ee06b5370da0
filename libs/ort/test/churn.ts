/**
 * Run by lifetime.test.ts as `node --expose-gc --max-semi-space-size=1 churn.ts <how>`: makes, runs and lets go of sessions, bindings and tensors by the
 * thousand, and prints by how many bytes the process grew after a first part that warms the allocators up.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Environment, type Session, Tensor } from '../src/index.ts';
import { add } from './tiny-onnx.ts';

const { gc } = globalThis;
if (!gc) throw new Error('run with --expose-gc');

const released = process.argv[2] === 'released';
const environment = Environment.load();
const model = add();

/** One session and a hundred bindings of it; each is released, or forgotten for the collector to find. */
async function round(): Promise<void> {
  const session = await environment.createSession(model, { intraOpThreads: 1 });
  for (let i = 0; i < 100; i++) await useBinding(session, i);
  if (released) session.release();
}

async function useBinding(session: Session, i: number): Promise<void> {
  const sum = new Float32Array(4);
  const tensors = [
    Tensor.fromArray(new Float32Array(4).fill(i), [4]),
    Tensor.fromArray(new Float32Array(4).fill(1), [4]),
    Tensor.fromArray(sum, [4]),
    session.allocate('float32', [1024]),
  ] as const;
  const binding = session.bind().input('a', tensors[0]).input('b', tensors[1]).output('sum', tensors[2]);
  if (i % 10 === 0) await binding.run();
  else binding.runSync();
  if (sum.some((value) => value !== i + 1)) throw new Error(`wrong sum ${sum} for ${i}`);
  if (!released) return;
  for (const tensor of tensors) tensor.release();
  binding.release();
}

async function rounds(count: number): Promise<number> {
  for (let i = 0; i < count; i++) {
    await round();
    if (i % 10 !== 9) continue;
    gc?.();
    await turn(); // finalizers run in a turn of their own
  }
  return process.memoryUsage().rss;
}

const before = await rounds(50);
const after = await rounds(200);
process.stdout.write(String(after - before));
