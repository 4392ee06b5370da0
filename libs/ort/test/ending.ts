/**
 * Run by lifetime.test.ts: threads load onnxruntime, make sessions with threads of their own, release nothing, and end: by
 * themselves, by termination or by the exit of the process while a run is in flight.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Environment, Tensor } from '../src/index.ts';
import { matmul } from './tiny-onnx.ts';

/** Begins a run of some length. */
async function begin(): Promise<{ run: Promise<void> }> {
  const session = await Environment.load().createSession(matmul(50), { intraOpThreads: 2 });
  const square = () => Tensor.fromArray(new Float32Array(256 * 256), [256, 256]);
  const binding = session.bind().input('a', square()).input('b', square()).output('product', square());
  return { run: binding.run() };
}

async function main(how: string | undefined): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url));
    await once(worker, 'message');
    if (how === 'terminates') await worker.terminate();
    else await once(worker, 'exit');
  }
  const { run } = await begin();
  if (how === 'finishes') await run;
  process.stdout.write('ended', () => how === 'exits' && process.exit());
}

if (isMainThread) {
  await main(process.argv[2]);
} else {
  const { run } = await begin();
  parentPort?.postMessage('running');
  await run;
}
