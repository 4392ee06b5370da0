import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import {
  defaultElementType,
  type ElementType,
  elementCode,
  elementCount,
  elementSize,
  holds,
  type TensorArray,
} from './element-type.ts';
import { abandoned, Handle } from './handle.ts';
import type { Library } from './library.ts';

/** Where a tensor's elements are. */
export type Location = 'cpu' | 'cuda';

/** What a tensor in native memory is made of; `handle` is an `OrtValue` that the tensor takes over. */
export interface NativeTensor {
  readonly library: Library;
  readonly handle: Handle;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly location: Location;
}

/** The tensor's `OrtValue` in a library; for this package only. */
export let valueIn: (tensor: Tensor, library: Library) => Handle;

/** Where the elements of a tensor begin, on the host or the device; for this package only. */
export let addressOf: (tensor: Tensor) => Pointer;

/** The elements of a tensor that is in memory of the host, as bytes; for this package only. */
export let hostBytes: (tensor: Tensor) => Uint8Array;

/** Makes a tensor that owns an `OrtValue`; for this package only. */
export let nativeTensor: (parts: NativeTensor) => Tensor;

/**
 * A typed array of some shape that graphs read and write in place: over a JavaScript array (`fromArray`) or in memory of
 * a session's device (`Session.allocate`). Releasing one that a binding or a run still uses is safe: they keep what they need.
 */
export class Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly location: Location;
  readonly #array: TensorArray | undefined;
  #native: { readonly library: Library; readonly handle: Handle } | undefined;
  #released = false;

  private constructor(
    type: ElementType,
    dims: readonly number[],
    location: Location,
    storage: { array: TensorArray } | { library: Library; handle: Handle },
  ) {
    this.type = type;
    this.dims = Object.freeze([...dims]);
    this.location = location;
    if ('array' in storage) this.#array = storage.array;
    else this.#adopt(storage.library, storage.handle);
  }

  /**
   * A tensor over the memory of `array`, not a copy: what is written to one shows in the other. Views (`subarray`) are
   * honoured. The array stays alive as long as the tensor, or a binding that was given it. `type` is only needed where the array
   * does not tell: `bool` over a Uint8Array, `float16` or `bfloat16` over a Uint16Array.
   * The array's buffer must have a fixed length and must not be shared, nor transferred away while the tensor is in use.
   */
  static fromArray(array: TensorArray, dims: readonly number[], type: ElementType = defaultElementType(array)): Tensor {
    if (!holds(array, type)) {
      throw new EideticError('inference_failed', `A ${array[Symbol.toStringTag]} does not hold ${type} elements.`);
    }
    checkBuffer(array.buffer);
    const count = elementCount(dims);
    if (count !== array.length) {
      throw new EideticError(
        'inference_failed',
        `A ${type} tensor of shape [${dims}] has ${count} elements, but the array has ${array.length}.`,
      );
    }
    return new Tensor(type, dims, 'cpu', { array });
  }

  /** Size of all elements, in bytes. */
  get sizeBytes(): number {
    return elementCount(this.dims) * elementSize(this.type);
  }

  /** A tensor over part of this one's memory: `dims` elements from element `offset` on, sharing, not copying. */
  view(offset: number, dims: readonly number[]): Tensor {
    const count = elementCount(dims);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + count > elementCount(this.dims)) {
      throw new EideticError(
        'inference_failed',
        `A view of shape [${dims}] from element ${offset} on does not fit a tensor of shape [${this.dims}].`,
      );
    }
    return this.#part(offset, dims);
  }

  /** Frees the tensor, at once or when the last binding and run that use it let go. Releasing twice does nothing. */
  release(): void {
    this.#released = true;
    if (!this.#native) return;
    abandoned.unregister(this);
    this.#native.handle.drop();
    this.#native = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #part(offset: number, dims: readonly number[]): Tensor {
    this.#check();
    const array = this.#array;
    if (array) {
      checkBuffer(array.buffer);
      const part = array.subarray(offset, offset + elementCount(dims));
      return new Tensor(this.type, dims, 'cpu', { array: part });
    }
    const { library, handle } = this.#own();
    const { api } = library;
    const address = this.#address() + BigInt(offset * elementSize(this.type));
    const value = createValue(library, api.GetTensorMemoryInfo(handle.pointer), address, dims, this.type);
    handle.retain();
    const part = new Handle(value, () => {
      api.ReleaseValue(value);
      handle.drop();
    });
    return new Tensor(this.type, dims, this.location, { library, handle: part });
  }

  #address(): Pointer {
    this.#check();
    if (this.#array) {
      checkBuffer(this.#array.buffer);
      return koffi.address(this.#array);
    }
    const { library, handle } = this.#own();
    return library.api.GetTensorMutableData(handle.pointer);
  }

  #hostBytes(): Uint8Array {
    this.#check();
    const array = this.#array;
    if (!array) return new Uint8Array(koffi.view(this.#address(), this.sizeBytes));
    checkBuffer(array.buffer);
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  }

  #adopt(library: Library, handle: Handle): { readonly library: Library; readonly handle: Handle } {
    abandoned.register(this, handle, this);
    this.#native = { library, handle };
    return this.#native;
  }

  #check(): void {
    if (this.#released) {
      throw new EideticError('internal', `A ${this.type} tensor of shape [${this.dims}] was used after its release.`);
    }
  }

  #own(): { readonly library: Library; readonly handle: Handle } {
    this.#check();
    if (!this.#native) throw new EideticError('internal', 'The tensor has no native memory.');
    return this.#native;
  }

  /** The `OrtValue`; made at the first use of a tensor over an array, which belongs to no library before. */
  #valueIn(library: Library): Handle {
    this.#check();
    const array = this.#array;
    if (array) checkBuffer(array.buffer);
    if (!this.#native && array) return this.#adopt(library, valueOver(library, array, this.dims, this.type)).handle;
    const native = this.#own();
    if (native.library !== library) {
      throw new EideticError(
        'inference_failed',
        `The tensor belongs to ${native.library.path}, not to ${library.path}.`,
      );
    }
    return native.handle;
  }

  static {
    valueIn = (tensor, library) => tensor.#valueIn(library);
    addressOf = (tensor) => tensor.#address();
    hostBytes = (tensor) => tensor.#hostBytes();
    nativeTensor = ({ library, handle, type, dims, location }) => new Tensor(type, dims, location, { library, handle });
  }
}

/**
 * Refuses memory that may go away or move under native code. Asking an array for its buffer, as callers must to call this,
 * has an effect: arrays of up to 64 bytes lie inside V8's heap and move at a collection; this moves them out for good.
 */
export function checkBuffer(buffer: ArrayBufferLike): void {
  const trouble = troubleWith(buffer);
  if (!trouble) return;
  throw new EideticError(
    'inference_failed',
    `Native code cannot use a ${trouble} buffer. Use an array over an ArrayBuffer of fixed length, and keep the buffer.`,
  );
}

function troubleWith(buffer: ArrayBufferLike): string | undefined {
  if (buffer instanceof SharedArrayBuffer) return 'shared';
  if (buffer.detached) return 'detached';
  return buffer.resizable ? 'resizable' : undefined;
}

function valueOver(library: Library, array: TensorArray, dims: readonly number[], type: ElementType): Handle {
  const value = createValue(library, library.api.hostMemory, koffi.address(array), dims, type);
  return new Handle(value, () => library.api.ReleaseValue(value), array);
}

function createValue(
  { api }: Library,
  memory: Pointer,
  address: Pointer,
  dims: readonly number[],
  type: ElementType,
): Pointer {
  const sizeBytes = elementCount(dims) * elementSize(type);
  return api.CreateTensorWithDataAsOrtValue(memory, address, sizeBytes, shapeOf(dims), dims.length, elementCode(type));
}

/** The shape as onnxruntime reads it: `int64_t[]`. */
export const shapeOf = (dims: readonly number[]): BigInt64Array => BigInt64Array.from(dims, BigInt);
