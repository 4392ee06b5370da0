import type { Pointer } from './api.ts';
import type { TensorArray } from './element-type.ts';

/**
 * A native object with counted users. The object is freed when the last user lets go, so releasing a session, tensor or
 * binding that a run in flight still needs is safe: the native part outlives the run.
 */
export class Handle {
  readonly pointer: Pointer;
  /** The array that the native object points into: it stays alive with the handle. */
  readonly memory: TensorArray | undefined;
  readonly #free: () => void;
  #users = 1;

  constructor(pointer: Pointer, free: () => void, memory?: TensorArray) {
    this.pointer = pointer;
    this.#free = free;
    this.memory = memory;
  }

  retain(): this {
    this.#users++;
    return this;
  }

  drop(): void {
    this.#users--;
    if (this.#users === 0) this.#free();
  }
}

/** Drops the handle of an owner that was collected without being released. */
export const abandoned = new FinalizationRegistry<Handle>((handle) => handle.drop());
