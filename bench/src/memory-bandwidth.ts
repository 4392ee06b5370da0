import { Worker } from 'node:worker_threads';

const BUFFER_BYTES = 128 * 1024 * 1024;
const DURATION_MS = 400;

/**
 * Bytes read and written per second by copying buffers far larger than the caches, one copier a thread: STREAM's `copy`,
 * https://www.cs.virginia.edu/stream/ref.html
 */
export async function copyBytesPerSecond(threads: number): Promise<number> {
  const rates = await Promise.all(Array.from({ length: threads }, copyInWorker));
  return rates.reduce((sum, rate) => sum + rate, 0);
}

function copyInWorker(): Promise<number> {
  const code = `(${copy})(${BUFFER_BYTES}, ${DURATION_MS}, require('node:worker_threads').parentPort)`;
  const worker = new Worker(code, { eval: true });
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

function copy(bytes: number, durationMs: number, port: { postMessage(rate: number): void }): void {
  const source = new Float64Array(bytes / 8).fill(1);
  const target = new Float64Array(bytes / 8).fill(2);
  const start = performance.now();
  let copied = 0;
  let elapsedMs = 0;
  for (; elapsedMs < durationMs; elapsedMs = performance.now() - start) {
    target.set(source);
    copied += 2 * bytes;
  }
  port.postMessage((copied / elapsedMs) * 1000);
}
