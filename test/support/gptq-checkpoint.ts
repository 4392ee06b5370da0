import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '@eidetic/checkpoint';
import { type SafetensorsEntry, writeSafetensors } from '@eidetic/checkpoint/writers';
import { CHECKPOINT_DIRECTORY } from './bundles.ts';
import { dequantize, groupsInOrder, type PackedLayer, packLayer } from './gptq-layer.ts';

/** The embedded checkpoint after GPTQ's way, twice: `packed` as AutoGPTQ would store it, `floats` with the weights that stands for. */
export interface GptqCheckpoints {
  readonly packed: string;
  readonly floats: string;
}

const LAYER = /^(transformer\.h\.\d+\.(?:attn\.c_attn|attn\.c_proj|mlp\.w1|mlp\.w2|mlp\.c_proj))\.weight$/;
const TORCH_TYPES: Readonly<Record<string, string>> = { float16: 'F16', bfloat16: 'BF16', float32: 'F32' };
const SHARDS = 5;

/** Writes both checkpoints into folders of `directory`; every matrix of the language model in groups of `groupSize`. */
export async function writeGptqCheckpoints(directory: string, groupSize: number): Promise<GptqCheckpoints> {
  await using source = await openCheckpoint(CHECKPOINT_DIRECTORY);
  const packed: Record<string, SafetensorsEntry> = {};
  const floats: Record<string, SafetensorsEntry> = {};
  for (const [name, { dtype, shape }] of source.tensors) {
    const layer = LAYER.exec(name)?.[1];
    if (layer === undefined) {
      const entry = { dtype: TORCH_TYPES[dtype] ?? dtype, shape, bytes: await source.readRaw(name) };
      packed[name] = entry;
      floats[name] = entry;
      continue;
    }
    const quantized = await quantizeLayer(source, layer, groupSize);
    Object.assign(packed, tensorsOf(layer, quantized, groupSize));
    floats[name] = { dtype: 'F32', shape, bytes: new Uint8Array(dequantize(quantized).buffer) };
  }
  const quantization = { bits: 4, group_size: groupSize, sym: true, desc_act: false, quant_method: 'gptq' };
  return {
    packed: await writeFolder(join(directory, 'packed'), packed, { quantization_config: quantization }),
    floats: await writeFolder(join(directory, 'floats'), floats, {}),
  };
}

/** Rounds to the nearest of 16 levels around the middle; AutoGPTQ gives layers without a bias one of zeros. */
async function quantizeLayer(source: Checkpoint, layer: string, groupSize: number): Promise<PackedLayer> {
  const weights = await source.readFloat32(`${layer}.weight`);
  const [rows = 0, columns = 0] = source.tensors.get(`${layer}.weight`)?.shape ?? [];
  const hasBias = source.tensors.has(`${layer}.bias`);
  const bias = Float16Array.from(hasBias ? await source.readFloat32(`${layer}.bias`) : new Float32Array(rows));
  const groups = columns / groupSize;
  const scales = new Float16Array(groups * rows);
  const levels = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const from = row * columns + group * groupSize;
      const values = weights.subarray(from, from + groupSize);
      const scale = Math.fround(Math.max(...values.map(Math.abs)) / 7.5);
      scales[group * rows + row] = scale;
      const stored = scales[group * rows + row] || 1;
      values.forEach((w, i) => {
        levels[from + i] = Math.min(15, Math.max(0, Math.round(w / stored) + 8));
      });
    }
  }
  const zeros = new Uint8Array(groups * rows).fill(8);
  return packLayer({ rows, columns, levels, groupOf: groupsInOrder(columns, groupSize), zeros, scales, bias });
}

function tensorsOf(layer: string, packed: PackedLayer, groupSize: number): Record<string, SafetensorsEntry> {
  const { rows, columns, qweight, qzeros, scales, g_idx, bias } = packed;
  const groups = columns / groupSize;
  const entry = (dtype: string, shape: readonly number[], data: Int32Array | Float16Array): SafetensorsEntry => ({
    dtype,
    shape,
    bytes: new Uint8Array(data.buffer),
  });
  return {
    [`${layer}.qweight`]: entry('I32', [columns / 8, rows], qweight),
    [`${layer}.qzeros`]: entry('I32', [groups, rows / 8], qzeros),
    [`${layer}.scales`]: entry('F16', [groups, rows], scales),
    [`${layer}.g_idx`]: entry('I32', [columns], g_idx),
    [`${layer}.bias`]: entry('F16', [rows], bias),
  };
}

/** A checkpoint in shards, with the tokenizer and the configuration of the embedded one. */
async function writeFolder(
  folder: string,
  tensors: Readonly<Record<string, SafetensorsEntry>>,
  change: object,
): Promise<string> {
  await mkdir(folder);
  const weightMap: Record<string, string> = {};
  const entries = Object.entries(tensors);
  const perShard = Math.ceil(entries.length / SHARDS);
  for (let i = 0; i < SHARDS; i++) {
    const part = entries.slice(i * perShard, (i + 1) * perShard);
    const file = `model-0000${i + 1}-of-0000${SHARDS}.safetensors`;
    await writeFile(join(folder, file), writeSafetensors(Object.fromEntries(part)));
    for (const [name] of part) weightMap[name] = file;
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  for (const name of ['qwen.tiktoken', 'generation_config.json']) {
    await cp(join(CHECKPOINT_DIRECTORY, name), join(folder, name));
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...(await configOf()), ...change }));
  return folder;
}

async function configOf(): Promise<object> {
  await using checkpoint = await openCheckpoint(CHECKPOINT_DIRECTORY);
  return Object(checkpoint.config);
}
