import { join } from 'node:path';
import type { Bundle, Precision } from '@eidetic/bundle';
import { ensureBundle } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';

const ROOT = join(import.meta.dirname, '../..');

/** The checkpoint that the project ships. */
export const CHECKPOINT_DIRECTORY = join(ROOT, 'models/qwen-vl-nano-chat');

/** The embedded checkpoint as a bundle; converted once and kept for the next test. */
export function testBundle(vision: Precision, decoder: Precision, head: Precision = decoder): Promise<Bundle> {
  return ensureBundle({
    checkpointDirectory: CHECKPOINT_DIRECTORY,
    cacheDirectory: join(ROOT, '.cache/test-bundles'),
    family: qwenVlExport,
    precisions: { vision, decoder, head },
    activations: 'float32',
  });
}
