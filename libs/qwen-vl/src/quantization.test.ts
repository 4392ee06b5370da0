import { describe, expect, it } from 'vitest';
import { parseQuantization } from './quantization.ts';

/** As in Qwen-VL-Chat-Int4. */
const official = {
  bits: 4,
  group_size: 128,
  damp_percent: 0.01,
  desc_act: false,
  static_groups: false,
  sym: true,
  true_sequential: true,
  model_name_or_path: null,
  model_file_base_name: 'model',
  quant_method: 'gptq',
};
const { quant_method: _, ...autoGptq } = official;

describe('parseQuantization', () => {
  it('finds nothing where nothing is quantised', () => {
    expect(parseQuantization({}, undefined)).toBeUndefined();
    expect(parseQuantization({ quantization_config: null }, undefined)).toBeUndefined();
  });

  it.each([
    ['config.json', { quantization_config: official }, undefined],
    ['quantize_config.json', {}, autoGptq],
    ['both', { quantization_config: official }, autoGptq],
  ])('reads %s', (_, config, quantizeConfig) => {
    expect(parseQuantization(config, quantizeConfig)).toEqual({ groupSize: 128, zeroOffset: 1 });
  });

  it('knows that gptq_v2 stores zero points as they are', () => {
    expect(parseQuantization({}, { ...autoGptq, group_size: 32, checkpoint_format: 'gptq_v2' })).toEqual({
      groupSize: 32,
      zeroOffset: 0,
    });
  });

  it('names two files that disagree', () => {
    const parse = () => parseQuantization({ quantization_config: official }, { ...autoGptq, group_size: 64 });
    expect(parse).toThrow(/config\.json and quantize_config\.json disagree.*128.*64/);
  });

  it.each([
    ['quant_method', { ...official, quant_method: 'awq' }],
    ['bits', { ...official, bits: 8 }],
    ['group_size', { ...official, group_size: -1 }],
    ['checkpoint_format', { ...official, checkpoint_format: 'marlin' }],
    ['the whole', 'gptq'],
  ])('names what is not supported: %s', (key, quantization_config) => {
    expect(() => parseQuantization({ quantization_config }, undefined)).toThrow(
      expect.objectContaining({
        code: 'invalid_checkpoint',
        message: expect.stringMatching(new RegExp(`quantization_config of config.json.*${key}: `)),
      }),
    );
  });
});
