import type { Runtime } from '@eidetic/model-loader';
import { describe } from 'vitest';
import {
  describeAcceleratorDecoder,
  describeAcceleratorMemory,
  describeAcceleratorVision,
} from '../support/accelerator-conformance.ts';
import { findGpu } from '../support/gpu.ts';

const { runtime, without } = findGpu();
if (without !== '') console.warn(`test/gpu/cuda.test.ts is skipped: ${without}`);

function gpu(): Runtime {
  if (!runtime) throw new Error('There is no GPU.');
  return runtime;
}

describe.skipIf(without !== '')('a GPU by CUDA', () => {
  describeAcceleratorVision(gpu);
  describeAcceleratorDecoder(gpu);
  describeAcceleratorMemory(gpu);
});

describe.skipIf(without !== '')('a GPU by CUDA, with steps captured as graphs', () => {
  describeAcceleratorDecoder(gpu, { cudaGraphs: true });
});
