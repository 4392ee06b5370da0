import { Environment } from '@eidetic/ort';
import { describe } from 'vitest';
import {
  describeAcceleratorDecoder,
  describeAcceleratorMemory,
  describeAcceleratorVision,
} from '../support/accelerator-conformance.ts';

// What is asked of a GPU is asked of the CPU, so that the tests themselves are tested where there is none.
const runtime = { environment: Environment.load(), session: { intraOpThreads: 2 } };

describe('the CPU in float16', () => {
  describeAcceleratorVision(() => runtime);
  describeAcceleratorDecoder(() => runtime);
  describeAcceleratorMemory(() => runtime);
});
