import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { caught } from '../test/caught.ts';
import { parseConfig, parseGenerationConfig } from './config.ts';

const nano = () => JSON.parse(read('config.json'));
const read = (name: string) =>
  readFileSync(new URL(`../../../models/qwen-vl-nano-chat/${name}`, import.meta.url), 'utf8');

/** config.json of Qwen/Qwen-VL-Chat, as far as it matters. */
const chat9B = {
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
  use_flash_attn: 'auto',
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
};

describe('parseConfig', () => {
  it('derives the sizes of Qwen-VL-Chat', () => {
    const config = parseConfig(chat9B);
    expect(config).toMatchObject({ hidden: 4096, headDim: 128, ffn: 11008, trainedPositions: 2048 });
    expect(config.visual).toMatchObject({ headDim: 104, mlp: 8192, gridSide: 32, queries: 256, resamplerHeads: 32 });
  });

  it('reads the embedded checkpoint', () => {
    const config = parseConfig(nano());
    expect(config).toMatchObject({ hidden: 320, heads: 5, headDim: 64, ffn: 832, vocab: 4352 });
    expect(config.visual).toMatchObject({
      mlp: 1152,
      gridSide: 16,
      queries: 64,
      resamplerHeads: 5,
      imageStartId: 4310,
    });
  });

  it.each([
    ['hidden_size', (c: typeof chat9B) => ({ ...c, hidden_size: undefined })],
    ['visual.layers', (c: typeof chat9B) => ({ ...c, visual: { ...c.visual, layers: '48' } })],
    ['intermediate_size', (c: typeof chat9B) => ({ ...c, intermediate_size: 22017 })],
    ['tie_word_embeddings', (c: typeof chat9B) => ({ ...c, tie_word_embeddings: true })],
    ['kv_channels', (c: typeof chat9B) => ({ ...c, kv_channels: 64 })],
    ['visual.patch_size', (c: typeof chat9B) => ({ ...c, visual: { ...c.visual, patch_size: 15 } })],
    ['visual.n_queries', (c: typeof chat9B) => ({ ...c, visual: { ...c.visual, n_queries: 200 } })],
    ['visual.resampler_heads', (c: typeof chat9B) => ({ ...c, visual: { ...c.visual, resampler_heads: 3 } })],
    ['the file', () => 'text'],
  ])('names the key that is wrong: %s', (key, change) => {
    const error = caught(() => parseConfig(change(chat9B)));
    expect(error.code).toBe('invalid_checkpoint');
    expect(error.message).toContain(key);
  });
});

describe('parseGenerationConfig', () => {
  it('turns sampling off when do_sample is false', () => {
    expect(parseGenerationConfig(JSON.parse(read('generation_config.json')))).toEqual({
      chatFormat: 'chatml',
      maxNewTokens: 512,
      temperature: 0,
      topP: 0.5,
      topK: 0,
      repetitionPenalty: 1,
    });
  });

  it('samples at temperature 1 when the file says nothing else', () => {
    expect(parseGenerationConfig({ chat_format: 'raw', top_p: 0.3 })).toMatchObject({ temperature: 1, topP: 0.3 });
  });

  it('names the key that is wrong', () => {
    expect(caught(() => parseGenerationConfig({ chat_format: 'alpaca' })).message).toContain('chat_format');
  });
});
