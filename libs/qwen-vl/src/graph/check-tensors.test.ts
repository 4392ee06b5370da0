import type { DType } from '@eidetic/checkpoint';
import type { WeightSource } from '@eidetic/exporter';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { checkTensors } from './check-tensors.ts';
import { expectedTensors } from './tensors.ts';

/** config.json of Qwen-VL-Chat, as far as it matters. */
const qwenVlChat = parseConfig({
  model_type: 'qwen',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  kv_channels: 128,
  intermediate_size: 22016,
  vocab_size: 151936,
  max_position_embeddings: 8192,
  seq_length: 2048,
  layer_norm_epsilon: 1e-6,
  rotary_emb_base: 10000,
  use_dynamic_ntk: true,
  use_logn_attn: true,
  visual: {
    width: 1664,
    layers: 48,
    heads: 16,
    mlp_ratio: 4.9231,
    patch_size: 14,
    image_size: 448,
    output_dim: 4096,
    image_start_id: 151857,
  },
});

/** A checkpoint of such tensors, as published unless their types are given. */
const source = (
  shapes: ReadonlyMap<string, readonly number[]>,
  types: Readonly<Record<string, DType>> = {},
): WeightSource => {
  const dtypeOf = (name: string): DType =>
    types[name] ?? (/\.(qweight|qzeros|g_idx)$/.test(name) ? 'int32' : 'bfloat16');
  const tensors = new Map(
    [...shapes].map(([name, shape]) => [name, { name, shape, dtype: dtypeOf(name), sizeBytes: 0, file: 'shard' }]),
  );
  return { tensors } as unknown as WeightSource;
};

describe('the tensors of Qwen-VL-Chat', () => {
  const expected = expectedTensors(qwenVlChat);

  it('are 853, of 9,656,935,168 numbers', () => {
    expect(expected.size).toBe(853);
    const numbers = [...expected.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(numbers).toBe(9_656_935_168);
  });

  it('are accepted, with or without what the reference derives', () => {
    checkTensors(source(expected), expected);
    const derived = ['transformer.h.0.attn.rotary_emb.inv_freq', 'transformer.h.0.attn.masked_bias'];
    checkTensors(source(new Map([...expected, ...derived.map((name) => [name, [64]] as const)])), expected);
  });

  it('are named when they are more than the model', () => {
    const shapes = new Map(expected).set('transformer.h.32.ln_1.weight', [4096]);
    expect(() => checkTensors(source(shapes), expected)).toThrow(
      "asks for 853 tensors. Not part of the model: 1 ('transformer.h.32.ln_1.weight').",
    );
  });

  it('are missed by name', () => {
    const shapes = new Map(expected);
    shapes.delete('transformer.h.7.mlp.w2.weight');
    shapes.delete('lm_head.weight');
    expect(() => checkTensors(source(shapes), expected)).toThrow(
      "asks for 853 tensors. Missing: 2 ('transformer.h.7.mlp.w2.weight', 'lm_head.weight').",
    );
  });

  it('must have the shapes that config.json asks for', () => {
    const shapes = new Map(expected).set('lm_head.weight', [151851, 4096]);
    expect(() => checkTensors(source(shapes), expected)).toThrow(
      "Of another shape: 1 ('lm_head.weight' [151851,4096] instead of [151936,4096]).",
    );
  });

  it('must be floats', () => {
    const types = { 'transformer.h.3.ln_1.weight': 'int8', 'transformer.h.4.ln_1.weight': 'int8' } as const;
    expect(() => checkTensors(source(expected, types), expected)).toThrow(
      "Of another type: 2 ('transformer.h.{3-4}.ln_1.weight' int8 instead of bfloat16, float16 or float32).",
    );
  });

  it('are reported all at once, layers with the same problem together', () => {
    const shapes = new Map(expected).set('transformer.other.weight', [1]);
    for (const layer of [0, 1, 2, 7]) shapes.delete(`transformer.h.${layer}.mlp.w1.weight`);
    for (const layer of [0, 1]) shapes.set(`transformer.h.${layer}.mlp.w2.weight`, [1]);
    expect(() => checkTensors(source(shapes), expected)).toThrow(
      "Missing: 4 ('transformer.h.{0-2,7}.mlp.w1.weight'). " +
        "Of another shape: 2 ('transformer.h.{0-1}.mlp.w2.weight' [1] instead of [11008,4096]). " +
        "Not part of the model: 1 ('transformer.other.weight').",
    );
  });

  it('are reported shortly of a checkpoint of another family', () => {
    const shapes = new Map(Array.from({ length: 50 }, (_, i) => [`model.${'x'.repeat(i)}`, [1]] as const));
    const message = (): string => {
      try {
        checkTensors(source(shapes), expected);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    expect(message()).toMatch(/Missing: 853 .* more kinds\)\. Not part of the model: 50 .* and 38 more kinds/);
    expect(message().length).toBeLessThan(2500);
  });
});

describe('the tensors of Qwen-VL-Chat-Int4', () => {
  const expected = expectedTensors(qwenVlChat, { groupSize: 128, zeroOffset: 1 });

  it('are 1461, in the 9,731,786,240 bytes of its index', () => {
    expect(expected.size).toBe(1461);
    const bytesOf = (name: string): number => (/\.(qweight|qzeros|g_idx)$/.test(name) ? 4 : 2);
    const bytes = [...expected].reduce(
      (sum, [name, shape]) => sum + bytesOf(name) * shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(bytes).toBe(9_731_786_240);
  });

  it('are missed by name, biases that the float model has not included', () => {
    const shapes = new Map(expected);
    shapes.delete('transformer.h.31.mlp.c_proj.bias');
    expect(() => checkTensors(source(shapes), expected)).toThrow("Missing: 1 ('transformer.h.31.mlp.c_proj.bias').");
  });

  it('are not those of the float model', () => {
    expect(() => checkTensors(source(expectedTensors(qwenVlChat)), expected)).toThrow(
      /asks for 1461 tensors\. Missing: 768 \('transformer\.h\.\{0-31\}\.attn\.c_attn\.qweight', .* Not part of the model: 160 /,
    );
  });

  it('need groups that divide the layers', () => {
    expect(() => expectedTensors({ ...qwenVlChat, hidden: 4160 }, { groupSize: 128, zeroOffset: 1 })).toThrow(
      /'transformer\.h\.0\.attn\.c_attn' is \[12480, 4160\].*128 columns/,
    );
  });
});
