import { EideticError } from '@eidetic/core';
import type { Pointer } from './api.ts';
import { Binding } from './binding.ts';
import { type ElementType, elementCode, elementCount } from './element-type.ts';
import { abandoned, Handle } from './handle.ts';
import { checkLive, type SessionCore } from './session-core.ts';
import { bytesOf, nativeTensor, shapeOf, type Tensor } from './tensor.ts';
import { takeString, type ValueInfo } from './value-info.ts';

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

  /** A new, empty binding. */
  bind(): Binding {
    return new Binding(this.#live());
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

  /**
   * Copies the elements of one tensor to another of the same type and size, wherever each of them is: on the host or on
   * the session's device.
   */
  async copy(source: Tensor, destination: Tensor): Promise<void> {
    const { copier } = this.#live();
    if (source.type !== destination.type || source.sizeBytes !== destination.sizeBytes) {
      throw new EideticError(
        'inference_failed',
        `Cannot copy ${source.type} [${source.dims}] to ${destination.type} [${destination.dims}].`,
      );
    }
    using from = bytesOf(source);
    using to = bytesOf(destination);
    const session = await copier();
    using binding = session.bind().input('x', from).output('y', to);
    await binding.run();
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
