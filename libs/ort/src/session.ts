import { EideticError } from '@eidetic/core';
import type { Pointer } from './api.ts';
import { Binding, type BindingOptions } from './binding.ts';
import { type ElementType, elementCode, elementCount, elementSize, type TensorArray } from './element-type.ts';
import { abandoned, Handle } from './handle.ts';
import { type ArrayType, deviceMirror, elementTypeOfArrays, hostMirror, type Mirror } from './mirror.ts';
import { checkLive, type SessionCore } from './session-core.ts';
import { addressOf, hostBytes, type Location, nativeTensor, shapeOf, type Tensor } from './tensor.ts';
import { takeString, type ValueInfo } from './value-info.ts';

/** `count` runs of `length` elements, each of which begins `stride` elements after the one before. */
export interface Runs {
  readonly length: number;
  readonly stride: number;
  readonly count: number;
}

/**
 * A loaded model. Made by `Environment.createSession`. Any number of bindings may run at the same time.
 * Releasing it while runs are in flight, or while bindings and tensors of it live, defers the native release to the last of them.
 */
export class Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #core: SessionCore;

  constructor(core: SessionCore) {
    this.#core = core;
    this.inputs = [...core.inputs.values()];
    this.outputs = [...core.outputs.values()];
    abandoned.register(this, core.handle, this);
  }

  /** Where the graph computes, and tensors of `allocate` are. */
  get location(): Location {
    return this.#core.device.location;
  }

  /** A new, empty binding. */
  bind(options: BindingOptions = {}): Binding {
    return new Binding(this.#live(), options);
  }

  /** A tensor in the memory of the session's device (CPU or GPU), uninitialised. `copy` fills and reads it. */
  allocate(type: ElementType, dims: readonly number[]): Tensor {
    const { library, handle: session, device } = this.#live();
    const { api } = library;
    elementCount(dims);
    const memory = api.CreateMemoryInfo(device.location === 'cuda' ? 'Cuda' : 'Cpu', 0, device.id, 0);
    const allocator = api.CreateAllocator(session.pointer, memory);
    api.ReleaseMemoryInfo(memory);
    let value: Pointer;
    try {
      value = api.CreateTensorAsOrtValue(allocator, shapeOf(dims), dims.length, elementCode(type));
    } catch (error) {
      api.ReleaseAllocator(allocator);
      throw error;
    }
    session.retain();
    const handle = new Handle(value, () => {
      api.ReleaseValue(value);
      api.ReleaseAllocator(allocator);
      session.drop();
    });
    return nativeTensor({ library, handle, type, dims, location: device.location });
  }

  /** A tensor in the memory of the session's device that an array of the host mirrors. Released by the caller. */
  mirror<A extends TensorArray>(ArrayOf: ArrayType<A>, dims: readonly number[]): Mirror<A> {
    const { cuda } = this.#live();
    if (!cuda) return hostMirror(ArrayOf, dims);
    return deviceMirror(ArrayOf, this.allocate(elementTypeOfArrays(ArrayOf), dims), cuda);
  }

  /** Writes zeros to a tensor of `allocate`. */
  clear(tensor: Tensor): void {
    const { cuda } = this.#live();
    if (cuda) cuda.clear(addressOf(tensor), tensor.sizeBytes);
    else hostBytes(tensor).fill(0);
  }

  /**
   * Copies runs of elements within a tensor of `allocate`: those that begin at element `from` to where they begin at element `to`. Source
   * and destination must not overlap.
   */
  copyRuns(tensor: Tensor, from: number, to: number, { length, stride, count }: Runs): void {
    const { cuda } = this.#live();
    const size = elementSize(tensor.type);
    if (length === 0 || count === 0) return;
    const last = (start: number): number => start + (count - 1) * stride + length;
    if (from < 0 || to < 0 || length > stride || Math.max(last(from), last(to)) * size > tensor.sizeBytes) {
      const runs = `${count} runs of ${length} elements, ${stride} apart, from ${from} to ${to}`;
      throw new EideticError('internal', `A tensor of shape [${tensor.dims}] does not hold ${runs}.`);
    }
    if (cuda) {
      const at = (element: number): Pointer => addressOf(tensor) + BigInt(element * size);
      cuda.copyPieces(at(to), at(from), { sizeBytes: length * size, strideBytes: stride * size, count });
      return;
    }
    const bytes = hostBytes(tensor);
    for (let i = 0; i < count; i++) {
      const start = (from + i * stride) * size;
      bytes.copyWithin((to + i * stride) * size, start, start + length * size);
    }
  }

  /**
   * Copies the elements of one tensor to another of the same type and size, wherever each of them is: on the host or on
   * the session's device.
   */
  copy(source: Tensor, destination: Tensor): void {
    const { cuda } = this.#live();
    if (source.type !== destination.type || source.sizeBytes !== destination.sizeBytes) {
      throw new EideticError(
        'inference_failed',
        `Cannot copy ${source.type} [${source.dims}] to ${destination.type} [${destination.dims}].`,
      );
    }
    if (cuda) cuda.copy(addressOf(destination), addressOf(source), source.sizeBytes);
    else hostBytes(destination).set(hostBytes(source));
  }

  /** Ends the profiling that `profilePrefix` began, and returns the path of the file with the trace (chrome://tracing). */
  endProfiling(): string {
    const { library, handle } = this.#live();
    return takeString(library, library.api.SessionEndProfiling(handle.pointer, library.api.allocator));
  }

  /** Frees the model, at once or when the last run, binding and tensor of it let go. Releasing twice does nothing. */
  release(): void {
    if (this.#core.released) return;
    this.#core.released = true;
    abandoned.unregister(this);
    this.#core.handle.drop();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #live(): SessionCore {
    checkLive(this.#core);
    return this.#core;
  }
}
