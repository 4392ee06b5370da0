import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import type { Library } from './library.ts';

/** Options of the CUDA provider: `deviceId`, and any of onnxruntime's own (`gpu_mem_limit`, `cudnn_conv_algo_search`, ...). */
export interface CudaOptions {
  /** Default 0. */
  readonly deviceId?: number;
  readonly [option: string]: string | number | undefined;
}

/** Names of the execution providers that the library was built with; CUDA's code lies in a library of its own. */
export function builtInProviders({ api }: Library): readonly string[] {
  const [address, count] = [new BigUint64Array(1), new Int32Array(1)];
  api.GetAvailableProviders(address, count);
  const [providers = 0n, length = 0] = [address[0], count[0]];
  try {
    return koffi.decode(providers, 'char *', length);
  } finally {
    api.ReleaseAvailableProviders(providers, length);
  }
}

/** Puts the CUDA provider first among a session's. Throws `invalid_config` when it is missing or cannot be loaded. */
export function appendCuda(library: Library, sessionOptions: Pointer, { deviceId = 0, ...others }: CudaOptions): void {
  const { api, path, version } = library;
  const remedy =
    `Name the libonnxruntime.so.1 of a GPU release (onnxruntime-linux-x64-gpu-${version}) with the provider libraries ` +
    'beside it as the library path, install its CUDA and cuDNN, or use the cpu provider.';
  if (!builtInProviders(library).includes('CUDAExecutionProvider')) {
    throw new EideticError('invalid_config', `The onnxruntime library ${path} was built without CUDA. ${remedy}`);
  }
  const entries = Object.entries({ device_id: deviceId, ...others }).filter(([, value]) => value !== undefined);
  const [keys, values] = [entries.map(([key]) => key), entries.map(([, value]) => String(value))];
  try {
    const cuda = api.CreateCUDAProviderOptions();
    try {
      api.UpdateCUDAProviderOptions(cuda, keys, values, keys.length);
      api.SessionOptionsAppendExecutionProvider_CUDA_V2(sessionOptions, cuda);
    } finally {
      api.ReleaseCUDAProviderOptions(cuda);
    }
  } catch (cause) {
    const { message } = EideticError.from(cause);
    throw new EideticError(
      'invalid_config',
      `The CUDA provider cannot be used: ${message.replace(/\.?$/, '.')} ${remedy}`,
      {
        cause,
      },
    );
  }
}
