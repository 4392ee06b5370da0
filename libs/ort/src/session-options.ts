import { EideticError } from '@eidetic/core';
import type { Pointer } from './api.ts';
import type { Library } from './library.ts';

/** `GraphOptimizationLevel` of the C API. */
const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/** Options of the CUDA provider: `deviceId`, and any of onnxruntime's own (`cudnn_conv_algo_search`, `gpu_mem_limit`, ...). */
export interface CudaOptions {
  /** Default 0. */
  readonly deviceId?: number;
  readonly [option: string]: string | number | undefined;
}

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
  /** Whether idle threads spin for a while before they sleep: faster alone, slower where cores are shared. Default true. */
  readonly allowSpinning?: boolean;
  /** Turns profiling on; the trace's file name begins so. */
  readonly profilePrefix?: string;
  /** Session configuration entries (onnxruntime_session_options_config_keys.h), such as `session.disable_prepacking`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** The native options; the caller releases them. Throws `invalid_config` for a provider that is not to be had. */
export function createSessionOptions(library: Library, options: SessionOptions, providers: readonly string[]): Pointer {
  const { api } = library;
  const native = api.CreateSessionOptions();
  try {
    api.SetSessionGraphOptimizationLevel(native, OPTIMIZATION_LEVELS[options.graphOptimization ?? 'all']);
    if (options.intraOpThreads !== undefined) api.SetIntraOpNumThreads(native, options.intraOpThreads);
    if (options.interOpThreads !== undefined) api.SetInterOpNumThreads(native, options.interOpThreads);
    if (options.allowSpinning !== undefined) {
      const value = options.allowSpinning ? '1' : '0';
      api.AddSessionConfigEntry(native, 'session.intra_op.allow_spinning', value);
      api.AddSessionConfigEntry(native, 'session.inter_op.allow_spinning', value);
    }
    for (const [key, value] of Object.entries(options.config ?? {})) api.AddSessionConfigEntry(native, key, value);
    if (options.profilePrefix !== undefined) api.EnableProfiling(native, options.profilePrefix);
    if (options.provider && options.provider !== 'cpu') appendCuda(library, native, options.provider.cuda, providers);
    return native;
  } catch (error) {
    api.ReleaseSessionOptions(native);
    throw error;
  }
}

function appendCuda(library: Library, native: Pointer, options: CudaOptions, providers: readonly string[]): void {
  const { api } = library;
  if (!providers.includes('CUDAExecutionProvider')) {
    throw new EideticError(
      'invalid_config',
      `The onnxruntime library at ${library.path} was built without CUDA. Name the libonnxruntime.so.1 of a GPU release (onnxruntime-linux-x64-gpu-${library.version}) as the library path, or use the cpu provider.`,
    );
  }
  const { deviceId = 0, ...others } = options;
  const entries = Object.entries({ device_id: deviceId, ...others }).map(
    ([key, value]) => [key, String(value)] as const,
  );
  const [keys, values] = [entries.map(([key]) => key), entries.map(([, value]) => value)];
  try {
    const cuda = api.CreateCUDAProviderOptions();
    try {
      api.UpdateCUDAProviderOptions(cuda, keys, values, entries.length);
      api.SessionOptionsAppendExecutionProvider_CUDA_V2(native, cuda);
    } finally {
      api.ReleaseCUDAProviderOptions(cuda);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_config', `The CUDA provider cannot be used: ${reason}`, { cause });
  }
}
