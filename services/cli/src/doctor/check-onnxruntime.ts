import { EideticError } from '@eidetic/core';
import type { ReadText, Runtime } from '@eidetic/model-loader';
import { type Finding, ok, problem, warning } from './finding.ts';

/** Whether onnxruntime loads, and which. */
export function checkOnnxruntime(load: () => Runtime): Finding {
  try {
    const { version, libraryPath } = load().environment;
    return ok('onnxruntime', `${version} (${libraryPath})`);
  } catch (error) {
    const remedy =
      'Install the packages again: remove node_modules and run scripts/bootstrap.sh. glibc 2.28 or later is needed.';
    return problem('onnxruntime', EideticError.from(error).message, remedy);
  }
}

/** Whether there is a GPU, and everything of CUDA that onnxruntime needs: a problem where it is to compute, else something that could be had. */
export async function checkGpu(
  readText: ReadText,
  provider: 'cpu' | 'cuda',
  checkCuda: () => number,
): Promise<Finding> {
  const driver = /Module\s+([\d.]+)/.exec((await readText('/proc/driver/nvidia/version')) ?? '')?.[1];
  if (provider === 'cpu' && driver === undefined) return ok('GPU', 'none with an NVIDIA driver: the CPU computes');
  const found = driver === undefined ? 'no NVIDIA driver' : `NVIDIA driver ${driver}`;
  try {
    const devices = `${found}, ${checkCuda()} for CUDA 13`;
    if (provider === 'cuda') return ok('GPU', devices);
    return warning('GPU', `${devices}, but the CPU computes`, 'Set EIDETIC_PROVIDER=cuda, or leave it as it is.');
  } catch (error) {
    const { message } = EideticError.from(error);
    if (provider === 'cuda')
      return problem('GPU', `${found}. ${message}`, 'Or compute on the CPU: EIDETIC_PROVIDER=cpu.');
    return warning('GPU', `${found}, but the CPU computes. ${message}`, 'Or leave it as it is.');
  }
}
