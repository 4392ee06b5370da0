import { EideticError } from '@eidetic/core';
import { Environment } from '@eidetic/ort';
import { type Finding, ok, problem, warning } from './finding.ts';
import type { ReadText } from './machine.ts';

/** Whether onnxruntime loads, and which. */
export function checkOnnxruntime(): Finding {
  try {
    const { version, libraryPath } = Environment.load();
    return ok('onnxruntime', `${version} (${libraryPath})`);
  } catch (error) {
    const remedy =
      'Install the packages again: remove node_modules and run scripts/bootstrap.sh. glibc 2.28 or later is needed.';
    return problem('onnxruntime', EideticError.from(error).message, remedy);
  }
}

/** What the CUDA provider of onnxruntime 1.29 loads: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html */
const CUDA_LIBRARIES = ['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcudnn.so.9'];

/**
 * Whether there is a GPU, and what of CUDA there is for it.
 *
 * @param libraries file names of the shared libraries that the system knows
 */
export async function checkGpu(
  readText: ReadText,
  libraries: readonly string[],
  providers: readonly string[],
): Promise<Finding> {
  const driver = /Module\s+([\d.]+)/.exec((await readText('/proc/driver/nvidia/version')) ?? '')?.[1];
  if (driver === undefined) return ok('GPU', 'none with an NVIDIA driver: the CPU computes');
  const missing = [
    ...(providers.includes('CUDAExecutionProvider') ? [] : ['onnxruntime built with CUDA']),
    ...CUDA_LIBRARIES.filter((name) => !libraries.includes(name)),
  ];
  if (missing.length === 0) return ok('GPU', `NVIDIA driver ${driver}, CUDA and cuDNN are there`);
  return warning(
    'GPU',
    `NVIDIA driver ${driver}, but the CPU computes; missing: ${missing.join(', ')}`,
    'Install CUDA 12, cuDNN 9 and the GPU release of onnxruntime, or leave it as it is.',
  );
}
