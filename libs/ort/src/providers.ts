import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import { openCudaLibraries, remedyFor } from './cuda-libraries.ts';
import { countDevices } from './cuda-runtime.ts';
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

/** The provider's own libraries, which onnxruntime loads from its own folder. */
const PROVIDER_LIBRARIES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/**
 * Looks for everything that the CUDA provider needs, opens it, and returns how many devices there are.
 *
 * @throws EideticError `invalid_config` that names every library that is missing and how to get it, or what CUDA has against the device
 */
export function checkCuda(library: Library): number {
  const { path, version } = library;
  const release = `pip install onnxruntime-gpu==${version}, and name its onnxruntime/capi/libonnxruntime.so.${version} (EIDETIC_ONNXRUNTIME_LIBRARY).`;
  if (!builtInProviders(library).includes('CUDAExecutionProvider')) {
    throw new EideticError('invalid_config', `The onnxruntime library ${path} was built without CUDA. ${release}`);
  }
  const absent = PROVIDER_LIBRARIES.filter((file) => !existsSync(join(dirname(path), file)));
  const missing = openCudaLibraries(path);
  if (absent.length > 0 || missing.length > 0) {
    const files = [...absent, ...missing.map(({ file }) => file)].join(', ');
    const remedies = [...(absent.length > 0 ? [`For onnxruntime with CUDA: ${release}`] : []), remedyFor(missing)];
    throw new EideticError(
      'invalid_config',
      `CUDA cannot be used: ${files} cannot be loaded. ${remedies.filter((remedy) => remedy !== '').join(' ')}`,
      { details: { missing: files } },
    );
  }
  return countDevices();
}

/** Puts the CUDA provider first among a session's. Throws what {@link checkCuda} does, and `invalid_config` for options that it refuses. */
export function appendCuda(library: Library, sessionOptions: Pointer, { deviceId = 0, ...others }: CudaOptions): void {
  const { api } = library;
  const devices = checkCuda(library);
  if (deviceId >= devices) {
    throw new EideticError('invalid_config', `There is no CUDA device ${deviceId}: ${devices} are there, from 0 on.`);
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
    throw new EideticError('invalid_config', `CUDA cannot be used: ${EideticError.from(cause).message}`, { cause });
  }
}
