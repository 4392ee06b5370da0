import koffi from 'koffi';
import { expect, it } from 'vitest';
import { identity } from '../test/tiny-onnx.ts';
import type { CudaRuntime } from './cuda-runtime.ts';
import { Environment } from './index.ts';
import { deviceMirror } from './mirror.ts';

const environment = Environment.load();

it('is one memory on a CPU, of which parts are the first elements', async () => {
  using session = await environment.createSession(identity());
  using from = session.mirror(Float32Array, [4]);
  using to = session.mirror(Float32Array, [2, 2]);
  const part = to.part([3]);
  from.array.set([1, 2, 3]);
  using binding = session
    .bind()
    .input('x', from.part([3]).tensor)
    .output('y', part.tensor);
  binding.runSync();
  part.download();
  expect([...to.array]).toEqual([1, 2, 3, 0]);
  expect(part.array.buffer).toBe(to.array.buffer);
});

it('copies between an array and a device, whole or in part, and unpins once', async () => {
  using session = await environment.createSession(identity());
  const { cuda, pins } = deviceOfThisProcess();
  const tensor = session.allocate('float32', [2000]);
  const mirror = deviceMirror(Float32Array, tensor, cuda);
  mirror.array.fill(1);
  expect(pins.map(({ sizeBytes, address }) => [sizeBytes, address % 4096n])).toEqual([[8192, 0n]]);
  mirror.upload();
  mirror.array.fill(2);
  mirror.download(10, 3);
  expect([...mirror.array.subarray(8, 15)]).toEqual([2, 2, 1, 1, 1, 2, 2]);
  const part = mirror.part([2, 3]);
  part.array.fill(3);
  part.upload();
  mirror.download();
  expect([...mirror.array.subarray(4, 8)]).toEqual([3, 3, 1, 1]);
  part.release();
  expect(pins).toHaveLength(1);
  mirror.release();
  mirror.release();
  expect(pins).toEqual([]);
});

/** No GPU here: a "device" whose memory is this process's, which knows what is pinned. */
function deviceOfThisProcess() {
  const pins: { address: bigint; sizeBytes: number }[] = [];
  const bytes = (address: bigint, size: number): Uint8Array => new Uint8Array(koffi.view(address, size));
  const cuda: CudaRuntime = {
    memory: () => ({ free: 1, total: 1 }),
    copy: (to, from, size) => bytes(to, size).set(bytes(from, size)),
    copyPieces: () => undefined,
    clear: () => undefined,
    pin: (address, sizeBytes) => pins.push({ address, sizeBytes }) > 0,
    unpin(address) {
      const at = pins.findIndex((pin) => pin.address === address);
      if (at < 0) throw new Error('It is not pinned.');
      pins.splice(at, 1);
    },
  };
  return { cuda, pins };
}
