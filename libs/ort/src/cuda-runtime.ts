import { EideticError } from '@eidetic/core';
import type { LibraryHandle } from 'koffi';
import type { Pointer } from './api.ts';
import { openCudaLibrary } from './cuda-libraries.ts';

/** Equal pieces of memory, at equal distances. */
interface Pieces {
  readonly sizeBytes: number;
  readonly strideBytes: number;
  readonly count: number;
}

/**
 * What onnxruntime's C API has no function for, of one device. Every call returns when the work is done: the streams that onnxruntime
 * makes do not wait for others, so nothing may be under way when a graph runs.
 */
export interface CudaRuntime {
  /** Bytes of the device's memory. */
  memory(): { readonly free: number; readonly total: number };
  /** Copies between addresses of host or device. */
  copy(to: Pointer, from: Pointer, sizeBytes: number): void;
  /** Copies pieces to where they do not overlap. */
  copyPieces(to: Pointer, from: Pointer, pieces: Pieces): void;
  /** Writes zeros. */
  clear(address: Pointer, sizeBytes: number): void;
  /** Keeps host memory from being paged out, so that the device reads and writes it itself; returns whether the system lets it. */
  pin(address: Pointer, sizeBytes: number): boolean;
  unpin(address: Pointer): void;
}

/** `cudaMemcpyDefault`: the addresses tell which way. */
const ANY_DIRECTION = 4;

const runtimes = new Map<number, CudaRuntime>();

/**
 * Number of CUDA devices.
 *
 * @throws EideticError `invalid_config` with what CUDA says when there is none, or the driver is too old
 */
export function countDevices(): number {
  const count = new Int32Array(1);
  const functions = bind();
  const status = functions.cudaGetDeviceCount(count);
  if (status === 0 && count[0]) return count[0];
  const reason = status === 0 ? 'no device' : functions.cudaGetErrorString(status);
  throw new EideticError('invalid_config', `CUDA finds no device that it can use: ${reason}.`);
}

/** The runtime for a device, whose libraries have been opened. */
export function cudaRuntime(device: number): CudaRuntime {
  const known = runtimes.get(device);
  if (known) return known;
  const runtime = createRuntime(bind(), device);
  runtimes.set(device, runtime);
  return runtime;
}

/** The runtime of a device over CUDA's own functions; for this package only. */
export function createRuntime(functions: CudaFunctions, device: number): CudaRuntime {
  const check = (status: number): void => {
    if (status === 0) return;
    throw new EideticError('inference_failed', `CUDA: ${functions.cudaGetErrorString(status)}.`, {
      details: { status: String(status) },
    });
  };
  // Each thread has a current device, and a copy may return before the device has done it.
  const done = (call: () => number): void => {
    check(functions.cudaSetDevice(device));
    check(call());
    check(functions.cudaStreamSynchronize(null));
  };
  return {
    memory() {
      const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
      check(functions.cudaSetDevice(device));
      check(functions.cudaMemGetInfo(free, total));
      return { free: Number(free[0]), total: Number(total[0]) };
    },
    copy: (to, from, sizeBytes) => done(() => functions.cudaMemcpy(to, from, sizeBytes, ANY_DIRECTION)),
    copyPieces: (to, from, { sizeBytes, strideBytes, count }) =>
      done(() => functions.cudaMemcpy2D(to, strideBytes, from, strideBytes, sizeBytes, count, ANY_DIRECTION)),
    clear: (address, sizeBytes) => done(() => functions.cudaMemset(address, 0, sizeBytes)),
    pin(address, sizeBytes) {
      check(functions.cudaSetDevice(device));
      if (functions.cudaHostRegister(address, sizeBytes, 0) === 0) return true;
      // CUDA would report the failure again to who asks next.
      functions.cudaGetLastError();
      return false;
    },
    unpin: (address) => check(functions.cudaHostUnregister(address)),
  };
}

/** Functions of libcudart, under their names; each but the text returns a `cudaError_t`. */
export type CudaFunctions = ReturnType<typeof declare>;

let bound: CudaFunctions | undefined;

function bind(): CudaFunctions {
  if (bound) return bound;
  const library = openCudaLibrary('libcudart.so.13');
  if (!library) throw new EideticError('invalid_config', 'The CUDA runtime, libcudart.so.13, cannot be loaded.');
  bound = declare(library);
  return bound;
}

type Status<A extends readonly unknown[]> = (...args: A) => number;

/** Signatures: https://docs.nvidia.com/cuda/cuda-runtime-api/ */
function declare(library: LibraryHandle) {
  const status = <A extends readonly unknown[]>(name: string, ...parameters: string[]): Status<A> =>
    library.func(name, 'int', parameters);
  const text: (status: number) => string = library.func('cudaGetErrorString', 'const char *', ['int']);
  return {
    cudaGetErrorString: text,
    cudaGetLastError: status<[]>('cudaGetLastError'),
    cudaGetDeviceCount: status<[Int32Array]>('cudaGetDeviceCount', 'void *'),
    cudaSetDevice: status<[number]>('cudaSetDevice', 'int'),
    cudaMemGetInfo: status<[BigUint64Array, BigUint64Array]>('cudaMemGetInfo', 'void *', 'void *'),
    cudaMemcpy: status<[Pointer, Pointer, number, number]>('cudaMemcpy', 'void *', 'void *', 'size_t', 'int'),
    cudaMemcpy2D: status<[Pointer, number, Pointer, number, number, number, number]>(
      'cudaMemcpy2D',
      'void *',
      'size_t',
      'void *',
      'size_t',
      'size_t',
      'size_t',
      'int',
    ),
    cudaMemset: status<[Pointer, number, number]>('cudaMemset', 'void *', 'int', 'size_t'),
    cudaHostRegister: status<[Pointer, number, number]>('cudaHostRegister', 'void *', 'size_t', 'unsigned int'),
    cudaHostUnregister: status<[Pointer]>('cudaHostUnregister', 'void *'),
    cudaStreamSynchronize: status<[null]>('cudaStreamSynchronize', 'void *'),
  };
}
