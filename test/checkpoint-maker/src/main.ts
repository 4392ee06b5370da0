/**
 * Writes a checkpoint with random weights: Qwen-VL-Chat at full size (19.3 GB), with fewer layers, or any configuration.
 *
 *     node test/checkpoint-maker/src/main.ts DIRECTORY --layers 2 --vision-layers 2 --format torch
 *
 * Options: `--config FILE` instead of the layers, a `config.json`; `--format torch|safetensors`; `--base` for Qwen-VL, the base model;
 * `--seed N`; `--shard-bytes N`. The weights mean nothing: answers are random words.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fullSizeConfig } from './full-size.ts';
import { makeCheckpoint } from './make-checkpoint.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '32' },
    'vision-layers': { type: 'string', default: '48' },
    config: { type: 'string' },
    format: { type: 'string', default: 'torch' },
    base: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    'shard-bytes': { type: 'string' },
  },
});
const [directory] = positionals;
const { format } = values;
if (directory === undefined || (format !== 'torch' && format !== 'safetensors')) {
  throw new Error('A folder is needed; --format is torch or safetensors.');
}
const config: unknown =
  values.config === undefined
    ? fullSizeConfig({ layers: Number(values.layers), visionLayers: Number(values['vision-layers']) })
    : JSON.parse(await readFile(values.config, 'utf8'));
await makeCheckpoint(directory, {
  config,
  format,
  chatFormat: values.base ? 'raw' : 'chatml',
  seed: Number(values.seed),
  ...(values['shard-bytes'] === undefined ? {} : { shardBytes: Number(values['shard-bytes']) }),
  onFile: (name) => console.log(name),
});
