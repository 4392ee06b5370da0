import { EideticError } from '@eidetic/core';
import type { Api, Pointer } from './api.ts';
import type { Library } from './library.ts';
import { appendCuda, type CudaOptions } from './providers.ts';

/** `GraphOptimizationLevel` of the C API. */
const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/**
 * Longer than the pause between two decode steps of a small model, so that threads are awake for the next. By default onnxruntime spins for
 * a million turns, some 16 ms here, and takes that time from whatever else runs on the machine (docs/decisions/0035-shared-cores.md).
 */
const SPIN_US = 1000;

/** How a model is loaded and run. */
export interface SessionOptions {
  /** What computes; default `cpu`. */
  readonly provider?: 'cpu' | { readonly cuda: CudaOptions };
  /** Threads that share one operator's work; default all cores. */
  readonly intraOpThreads?: number;
  /** Threads that run operators side by side; default one, operators run in turn. */
  readonly interOpThreads?: number;
  /** Default `all`. */
  readonly graphOptimization?: keyof typeof OPTIMIZATION_LEVELS;
  /** Microseconds for which a thread without work stays awake before it sleeps; default {@link SPIN_US}. */
  readonly spinUs?: number;
  /** Loading writes the model to this file as it is after optimisation. */
  readonly optimizedModelPath?: string;
  /** Turns profiling on; the trace's file name begins so. */
  readonly profilePrefix?: string;
  /** Session configuration entries (onnxruntime_session_options_config_keys.h), such as `session.disable_prepacking`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** The native options; the caller releases them. Throws `invalid_config` for an option or provider that cannot be had. */
export function createSessionOptions(library: Library, options: SessionOptions): Pointer {
  const { api } = library;
  const native = api.CreateSessionOptions();
  try {
    setOptions(api, native, options);
    const { provider = 'cpu' } = options;
    if (provider !== 'cpu') appendCuda(library, native, provider.cuda);
    return native;
  } catch (error) {
    api.ReleaseSessionOptions(native);
    throw error;
  }
}

function setOptions(api: Api, native: Pointer, options: SessionOptions): void {
  const { graphOptimization = 'all', spinUs = SPIN_US, config = {} } = options;
  api.SetSessionGraphOptimizationLevel(native, OPTIMIZATION_LEVELS[graphOptimization]);
  api.SetIntraOpNumThreads(native, threads('intraOpThreads', options.intraOpThreads));
  api.SetInterOpNumThreads(native, threads('interOpThreads', options.interOpThreads));
  const spinning = {
    'session.intra_op.spin_duration_us': String(spinUs),
    'session.inter_op.spin_duration_us': String(spinUs),
  };
  try {
    for (const [key, value] of Object.entries({ ...spinning, ...config }))
      api.AddSessionConfigEntry(native, key, value);
    if (options.optimizedModelPath !== undefined) api.SetOptimizedModelFilePath(native, options.optimizedModelPath);
    if (options.profilePrefix !== undefined) api.EnableProfiling(native, options.profilePrefix);
  } catch (cause) {
    throw new EideticError('invalid_config', `Bad session options. ${EideticError.from(cause).message}`, { cause });
  }
}

/** onnxruntime takes 0 for its default. */
function threads(name: string, count = 0): number {
  if (Number.isInteger(count) && count >= 0) return count;
  throw new EideticError('invalid_config', `${name} is ${count}: give a positive integer, or nothing for the default.`);
}
