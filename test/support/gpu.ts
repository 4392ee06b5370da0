import { loadConfig } from '@eidetic/config';
import { EideticError } from '@eidetic/core';
import { checkProvider, loadRuntime, MODEL_SETTINGS, type Runtime } from '@eidetic/model-loader';

/** The GPU of this machine as `EIDETIC_ONNXRUNTIME_LIBRARY` and `EIDETIC_CUDA_DEVICE` say, or why there is none. */
export function findGpu(): { readonly runtime?: Runtime; readonly without: string } {
  const { EIDETIC_ONNXRUNTIME_LIBRARY, EIDETIC_CUDA_DEVICE } = process.env;
  const config = loadConfig(MODEL_SETTINGS, {
    EIDETIC_PROVIDER: 'cuda',
    ...(EIDETIC_ONNXRUNTIME_LIBRARY !== undefined && { EIDETIC_ONNXRUNTIME_LIBRARY }),
    ...(EIDETIC_CUDA_DEVICE !== undefined && { EIDETIC_CUDA_DEVICE }),
  });
  try {
    checkProvider(config);
    return { runtime: loadRuntime(config), without: '' };
  } catch (error) {
    return { without: EideticError.from(error).message };
  }
}
