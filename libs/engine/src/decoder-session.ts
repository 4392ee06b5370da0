import type { Manifest } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import type { SessionOptions } from '@eidetic/ort';

/**
 * How the decoder graph is loaded: as asked, and with CUDA set up for graphs where steps are to be captured.
 *
 * @param dtype of the model's activations
 * @throws EideticError `invalid_config` for CUDA graphs on a CPU, `invalid_bundle` for what CUDA's attention has no kernel for
 */
export function decoderSession(
  options: SessionOptions = {},
  dtype: Manifest['decoder']['dtype'],
  cudaGraphs: boolean,
): SessionOptions {
  const { provider = 'cpu' } = options;
  if (provider === 'cpu') {
    if (cudaGraphs) throw new EideticError('invalid_config', 'CUDA graphs are for the cuda provider.');
    return options;
  }
  if (dtype !== 'float16') {
    const message = `The decoder computes in ${dtype}, and CUDA's attention in float16 only. Convert with --activations float16.`;
    throw new EideticError('invalid_bundle', message);
  }
  if (!cudaGraphs) return options;
  return { ...options, provider: { cuda: { ...provider.cuda, enable_cuda_graph: 1 } } };
}
