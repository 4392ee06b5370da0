import { join } from 'node:path';
import type { Bundle } from '@eidetic/bundle';
import { type ActivationType, ensureBundle, type PartPrecisions } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';

const ROOT = join(import.meta.dirname, '../..');

/** The checkpoint that the project ships. */
export const CHECKPOINT_DIRECTORY = join(ROOT, 'models/qwen-vl-nano-chat');

/** Weights as in the checkpoint, only wider: what parity with the reference is measured on. */
export const FLOAT32_PRECISIONS: PartPrecisions = { vision: 'float32', decoder: 'float32', head: 'float32' };

/** What a GPU computes in, with activations of the same type. */
export const ALL_FLOAT16: PartPrecisions = { vision: 'float16', decoder: 'float16', head: 'float16' };

/** The embedded checkpoint as a bundle; converted once and kept for the next test. */
export function testBundle(precisions: PartPrecisions, activations: ActivationType = 'float32'): Promise<Bundle> {
  return ensureBundle({
    checkpointDirectory: CHECKPOINT_DIRECTORY,
    cacheDirectory: join(ROOT, '.cache/test-bundles'),
    family: qwenVlExport,
    precisions,
    activations,
  });
}
