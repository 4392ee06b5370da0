import { EideticError } from '@eidetic/core';
import type { Pointer } from './api.ts';
import { abandoned, Handle } from './handle.ts';
import type { Library } from './library.ts';
import { checkLive, type SessionCore } from './session-core.ts';
import { checkBuffer, type Tensor, valueIn } from './tensor.ts';
import type { ValueInfo } from './value-info.ts';

/** How a binding runs. */
export interface BindingOptions {
  /**
   * Of the CUDA graph that the runs are captured as, for sessions with `enable_cuda_graph`: bindings of other tensors or shapes have others. -1 for
   * runs that are not to be captured. A graph is captured, and can be replayed, on one thread: such bindings run by `runSync`.
   */
  readonly cudaGraphId?: number;
}

/** `kOrtRunOptionsConfigCudaGraphAnnotation` (onnxruntime_run_options_config_keys.h). */
const CUDA_GRAPH_ID = 'gpu_graph_id';

/**
 * The tensors that a run reads and writes, prepared once and run many times. Keeps what it was given alive until it is
 * rebound or released. One run at a time; for runs at the same time use several bindings.
 */
export class Binding {
  readonly #session: SessionCore;
  readonly #handle: Handle;
  readonly #runOptions: Pointer | null;
  readonly #inputs = new Map<string, Handle>();
  readonly #outputs = new Map<string, Handle>();
  #running = false;
  #released = false;

  constructor(session: SessionCore, { cudaGraphId }: BindingOptions = {}) {
    const { library, handle } = session;
    const pointer = library.api.CreateIoBinding(handle.pointer);
    const runOptions = cudaGraphId === undefined ? null : createRunOptions(library, cudaGraphId);
    const [inputs, outputs] = [this.#inputs, this.#outputs];
    handle.retain();
    this.#session = session;
    this.#runOptions = runOptions;
    this.#handle = new Handle(pointer, () => {
      library.api.ReleaseIoBinding(pointer);
      if (runOptions !== null) library.api.ReleaseRunOptions(runOptions);
      for (const value of [...inputs.values(), ...outputs.values()]) value.drop();
      handle.drop();
    });
    abandoned.register(this, this.#handle, this);
  }

  /** Reads the input `name` from `tensor`: what it holds when a run starts. */
  input(name: string, tensor: Tensor): this {
    this.#bind('input', name, tensor);
    return this;
  }

  /** Writes the output `name` to `tensor`, which may be an input at the same time where the graph updates in place. */
  output(name: string, tensor: Tensor): this {
    this.#bind('output', name, tensor);
    return this;
  }

  /**
   * Runs the graph on a libuv thread; the event loop stays free. As many runs go on at the same time as libuv has threads
   * (UV_THREADPOOL_SIZE, 4 by default); others wait. Throws `overloaded` for more than 256 that go on or wait.
   */
  async run(): Promise<void> {
    const { api } = this.#session.library;
    const handle = this.#start().retain();
    try {
      await api.RunWithBinding.async(this.#session.handle.pointer, this.#runOptions, handle.pointer);
    } finally {
      this.#running = false;
      handle.drop();
    }
  }

  /** Runs the graph on this thread: without the hop to another thread and back, but the event loop stands still. */
  runSync(): void {
    const { api } = this.#session.library;
    const handle = this.#start();
    try {
      api.RunWithBinding(this.#session.handle.pointer, this.#runOptions, handle.pointer);
    } finally {
      this.#running = false;
    }
  }

  /** Lets go of everything, at once or when the run in flight has ended. Releasing twice does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    abandoned.unregister(this);
    this.#handle.drop();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #bind(kind: 'input' | 'output', name: string, tensor: Tensor): void {
    const { library, device, inputs, outputs, model } = this.#session;
    this.#checkIdle();
    const [infos, bound] = kind === 'input' ? [inputs, this.#inputs] : [outputs, this.#outputs];
    checkFits(tensor, infos, kind, name, model);
    const value = valueIn(tensor, library);
    const before = bound.get(name);
    if (before === value) return;
    const { BindInput, BindOutput } = library.api;
    if (kind === 'output') BindOutput(this.#handle.pointer, name, value.pointer);
    else if (!isCopied(value, device)) BindInput(this.#handle.pointer, name, value.pointer);
    bound.set(name, value.retain());
    before?.drop();
  }

  #start(): Handle {
    this.#checkIdle();
    const { library, device } = this.#session;
    for (const [name, value] of this.#inputs) {
      if (!value.memory) continue;
      checkBuffer(value.memory.buffer);
      if (isCopied(value, device)) library.api.BindInput(this.#handle.pointer, name, value.pointer);
    }
    for (const { memory } of this.#outputs.values()) if (memory) checkBuffer(memory.buffer);
    this.#running = true;
    return this.#handle;
  }

  #checkIdle(): void {
    checkLive(this.#session);
    if (this.#released) {
      throw new EideticError('internal', `A binding of ${this.#session.model} was used after its release.`);
    }
    if (this.#running) {
      throw new EideticError(
        'internal',
        `A binding of ${this.#session.model} was used while it runs. Await the run first.`,
      );
    }
  }
}

/** onnxruntime copies a host tensor to a GPU when it is bound, not when the graph runs: it is bound at every run. */
const isCopied = (value: Handle, { location }: SessionCore['device']): boolean =>
  value.memory !== undefined && location !== 'cpu';

function createRunOptions({ api }: Library, cudaGraphId: number): Pointer {
  const options = api.CreateRunOptions();
  api.AddRunConfigEntry(options, CUDA_GRAPH_ID, String(cudaGraphId));
  return options;
}

function checkFits(
  tensor: Tensor,
  infos: ReadonlyMap<string, ValueInfo>,
  kind: string,
  name: string,
  model: string,
): void {
  const info = infos.get(name);
  if (!info) {
    throw new EideticError(
      'inference_failed',
      `${model} has no ${kind} "${name}". It has ${[...infos.keys()].map((known) => `"${known}"`).join(', ')}.`,
    );
  }
  const fits =
    info.type === tensor.type &&
    info.dims.length === tensor.dims.length &&
    info.dims.every((dim, i) => typeof dim === 'string' || dim < 0 || dim === tensor.dims[i]);
  if (!fits) {
    throw new EideticError(
      'inference_failed',
      `The ${kind} "${name}" of ${model} is ${info.type} [${info.dims}], not ${tensor.type} [${tensor.dims}].`,
    );
  }
}
