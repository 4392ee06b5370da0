import type { WeightSource } from '@eidetic/exporter';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { checkTensors, expectedTensors } from './tensors.ts';

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

const source = (shapes: ReadonlyMap<string, readonly number[]>): WeightSource =>
  ({
    tensors: new Map(
      [...shapes].map(([name, shape]) => [name, { name, shape, dtype: 'bfloat16', sizeBytes: 0, file: 'shard' }]),
    ),
  }) as unknown as WeightSource;

describe('the tensors of Qwen-VL-Chat', () => {
  const expected = expectedTensors(qwenVlChat);

  it('are 853, of 9,656,935,168 numbers', () => {
    expect(expected.size).toBe(853);
    const numbers = [...expected.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(numbers).toBe(9_656_935_168);
  });

  it('are accepted, with others beside them', () => {
    checkTensors(source(new Map([...expected, ['transformer.h.0.attn.rotary_emb.inv_freq', [64]]])), expected);
  });

  it('are missed by name', () => {
    const shapes = new Map(expected);
    shapes.delete('transformer.h.7.mlp.w2.weight');
    shapes.delete('lm_head.weight');
    expect(() => checkTensors(source(shapes), expected)).toThrow(
      /'transformer\.h\.7\.mlp\.w2\.weight' is missing \(and 1 more of 853 tensors\)/,
    );
  });

  it('must have the shapes that config.json asks for', () => {
    const shapes = new Map(expected).set('lm_head.weight', [151851, 4096]);
    expect(() => checkTensors(source(shapes), expected)).toThrow(/lm_head\.weight.*\[151851,4096\].*\[151936,4096\]/);
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
    expect(() => checkTensors(source(shapes), expected)).toThrow(/'transformer\.h\.31\.mlp\.c_proj\.bias' is missing/);
  });

  it('are not those of the float model', () => {
    expect(() => checkTensors(source(expectedTensors(qwenVlChat)), expected)).toThrow(
      /'transformer\.h\.0\.attn\.c_attn\.qweight' is missing \(and 767 more of 1461 tensors\)/,
    );
  });

  it('need groups that divide the layers', () => {
    expect(() => expectedTensors({ ...qwenVlChat, hidden: 4160 }, { groupSize: 128, zeroOffset: 1 })).toThrow(
      /'transformer\.h\.0\.attn\.c_attn' is \[12480, 4160\].*128 columns/,
    );
  });
});
