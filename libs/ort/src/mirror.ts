import koffi from 'koffi';
import type { Pointer } from './api.ts';
import type { CudaRuntime } from './cuda-runtime.ts';
import { defaultElementType, elementCount, type TensorArray } from './element-type.ts';
import { addressOf, Tensor } from './tensor.ts';

/** Makes a typed array over a part of a buffer: `Float32Array` and its like. */
export interface ArrayType<A extends TensorArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A;
}

/**
 * A tensor in the memory of a session's device, and an array of the host with the same elements. On a CPU they are one memory, and the
 * copies do nothing. On a GPU the array is pinned.
 */
export interface Mirror<A extends TensorArray> extends Disposable {
  readonly array: A;
  readonly tensor: Tensor;
  /** Copies the array to the device. */
  upload(): void;
  /** Copies `count` elements from `offset` on, or all of them, from the device to the array. */
  download(offset?: number, count?: number): void;
  /** The first elements in a shape of their own, sharing memory with this, which must outlive it. */
  part(dims: readonly number[]): Mirror<A>;
  release(): void;
}

/** A mirror on a CPU. */
export function hostMirror<A extends TensorArray>(ArrayOf: ArrayType<A>, dims: readonly number[]): Mirror<A> {
  const count = elementCount(dims);
  return overOneMemory(ArrayOf, new ArrayBuffer(count * ArrayOf.BYTES_PER_ELEMENT), dims);
}

function overOneMemory<A extends TensorArray>(
  ArrayOf: ArrayType<A>,
  buffer: ArrayBuffer,
  dims: readonly number[],
): Mirror<A> {
  const array = new ArrayOf(buffer, 0, elementCount(dims));
  const tensor = Tensor.fromArray(array, dims);
  const release = (): void => tensor.release();
  return {
    array,
    tensor,
    upload: () => undefined,
    download: () => undefined,
    part: (partDims) => overOneMemory(ArrayOf, buffer, partDims),
    release,
    [Symbol.dispose]: release,
  };
}

const PAGE_BYTES = 4096;

/** A mirror on a GPU. Takes over a device tensor, of which `dims` may be the first elements. */
export function deviceMirror<A extends TensorArray>(
  ArrayOf: ArrayType<A>,
  tensor: Tensor,
  cuda: CudaRuntime,
): Mirror<A> {
  const sizeBytes = tensor.sizeBytes;
  // Whole pages, so that no page is pinned twice.
  const pinnedBytes = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
  const buffer = new ArrayBuffer(pinnedBytes + PAGE_BYTES);
  const start = koffi.address(new Uint8Array(buffer));
  const offset = Number(-start & BigInt(PAGE_BYTES - 1));
  const pinned = start + BigInt(offset);
  // Pinned or not, it works; not pinned, it is slower.
  const isPinned = pinnedBytes > 0 && cuda.pin(pinned, pinnedBytes);
  if (isPinned) pinnedBuffers.add(buffer);
  return overTwoMemories(ArrayOf, { buffer, offset, address: pinned, cuda }, tensor, () => {
    tensor.release();
    if (!isPinned) return;
    cuda.unpin(pinned);
    pinnedBuffers.delete(buffer);
  });
}

/** Pinned memory must not be freed. */
const pinnedBuffers = new Set<ArrayBuffer>();

interface HostMemory {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly address: Pointer;
  readonly cuda: CudaRuntime;
}

function overTwoMemories<A extends TensorArray>(
  ArrayOf: ArrayType<A>,
  host: HostMemory,
  tensor: Tensor,
  free: () => void,
): Mirror<A> {
  const { cuda, address } = host;
  const array = new ArrayOf(host.buffer, host.offset, elementCount(tensor.dims));
  const device = addressOf(tensor);
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    free();
  };
  return {
    array,
    tensor,
    upload: () => cuda.copy(device, address, tensor.sizeBytes),
    download(offset = 0, count = array.length - offset) {
      const from = BigInt(offset * ArrayOf.BYTES_PER_ELEMENT);
      cuda.copy(address + from, device + from, count * ArrayOf.BYTES_PER_ELEMENT);
    },
    part(dims) {
      const view = tensor.view(0, dims);
      return overTwoMemories(ArrayOf, host, view, () => view.release());
    },
    release,
    [Symbol.dispose]: release,
  };
}

/** The element type that arrays of a type stand for. */
export const elementTypeOfArrays = <A extends TensorArray>(ArrayOf: ArrayType<A>) =>
  defaultElementType(new ArrayOf(new ArrayBuffer(0), 0, 0));
