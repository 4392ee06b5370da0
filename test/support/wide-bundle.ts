import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '@eidetic/bundle';
import { makeCheckpoint } from '@eidetic/checkpoint-maker';
import { convertCheckpoint, PRECISIONS_OF } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { CHECKPOINT_DIRECTORY } from './bundles.ts';

/** Sizes that are whole wide blocks, as those of the published model are and the embedded one's are not. */
const WIDE = {
  hidden_size: 256,
  kv_channels: 64,
  num_attention_heads: 4,
  intermediate_size: 768,
  num_hidden_layers: 2,
};

/** Writes a model of random weights and the embedded model's vocabulary whose int4 weights lie in wide blocks. */
export async function writeWideBundle(directory: string): Promise<Bundle> {
  const config = JSON.parse(await readFile(join(CHECKPOINT_DIRECTORY, 'config.json'), 'utf8'));
  const visual = { ...config.visual, output_dim: WIDE.hidden_size, resampler_heads: 4, layers: 1 };
  const checkpointDirectory = join(directory, 'wide');
  await makeCheckpoint(checkpointDirectory, { config: { ...config, ...WIDE, visual }, format: 'safetensors' });
  return convertCheckpoint({
    checkpointDirectory,
    bundleDirectory: join(directory, 'wide-int4'),
    family: qwenVlExport,
    precisions: PRECISIONS_OF.int4,
    activations: 'float32',
  });
}
