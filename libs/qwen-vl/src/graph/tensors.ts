import { isFloatDType } from '@eidetic/checkpoint';
import { EideticError } from '@eidetic/core';
import { type GptqScheme, gptqTensors, type Matrix, type WeightSource } from '@eidetic/exporter';
import type { QwenVlConfig } from '../config.ts';

/**
 * Name and shape of every tensor that a checkpoint of this configuration must hold (853 for Qwen-VL, 1461 where GPTQ quantised its
 * language model), in the order of the reference's `state_dict()`: parameters of a module come before those of its parts.
 *
 * @throws EideticError `invalid_checkpoint` when the groups of `gptq` do not divide the layers.
 */
export function expectedTensors(config: QwenVlConfig, gptq?: GptqScheme): Map<string, readonly number[]> {
  const { hidden, ffn, vocab, visual } = config;
  const shapes = new Map<string, readonly number[]>();
  const linear = (name: string, rows: number, columns: number, bias: boolean): void => {
    shapes.set(`${name}.weight`, [rows, columns]);
    if (bias) shapes.set(`${name}.bias`, [rows]);
  };
  const decoderLinear: typeof linear = (name, rows, columns, bias) => {
    if (gptq === undefined) return linear(name, rows, columns, bias);
    for (const [tensor, shape] of gptqTensors(name, rows, columns, gptq)) shapes.set(tensor, shape);
  };
  const layerNorm = (name: string, width: number): void => {
    shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width]);
  };
  shapes.set('transformer.wte.weight', [vocab, hidden]);
  for (let i = 0; i < config.layers; i++) {
    const layer = `transformer.h.${i}`;
    shapes.set(`${layer}.ln_1.weight`, [hidden]);
    decoderLinear(`${layer}.attn.c_attn`, 3 * hidden, hidden, true);
    decoderLinear(`${layer}.attn.c_proj`, hidden, hidden, false);
    shapes.set(`${layer}.ln_2.weight`, [hidden]);
    decoderLinear(`${layer}.mlp.w1`, ffn, hidden, false);
    decoderLinear(`${layer}.mlp.w2`, ffn, hidden, false);
    decoderLinear(`${layer}.mlp.c_proj`, hidden, ffn, false);
  }
  shapes.set('transformer.ln_f.weight', [hidden]);

  const { width, mlp, outputDim, queries, patchSize } = visual;
  shapes
    .set('transformer.visual.positional_embedding', [POSITION_GRID ** 2, width])
    .set('transformer.visual.proj', [outputDim, outputDim])
    .set('transformer.visual.conv1.weight', [width, 3, patchSize, patchSize]);
  layerNorm('transformer.visual.ln_pre', width);
  for (let i = 0; i < visual.layers; i++) {
    const block = `transformer.visual.transformer.resblocks.${i}`;
    layerNorm(`${block}.ln_1`, width);
    layerNorm(`${block}.ln_2`, width);
    linear(`${block}.attn.in_proj`, 3 * width, width, true);
    linear(`${block}.attn.out_proj`, width, width, true);
    linear(`${block}.mlp.c_fc`, mlp, width, true);
    linear(`${block}.mlp.c_proj`, width, mlp, true);
  }
  const pool = 'transformer.visual.attn_pool';
  shapes.set(`${pool}.pos_embed`, [queries, outputDim]).set(`${pool}.query`, [queries, outputDim]);
  // The reference leaves the projection out where there is nothing to project (`visual.py`: nn.Identity).
  if (width !== outputDim) linear(`${pool}.kv_proj`, outputDim, width, false);
  shapes
    .set(`${pool}.attn.in_proj_weight`, [3 * outputDim, outputDim])
    .set(`${pool}.attn.in_proj_bias`, [3 * outputDim]);
  linear(`${pool}.attn.out_proj`, outputDim, outputDim, true);
  layerNorm(`${pool}.ln_q`, outputDim);
  layerNorm(`${pool}.ln_kv`, outputDim);
  layerNorm('transformer.visual.ln_post', outputDim);
  return shapes.set('lm_head.weight', [vocab, hidden]);
}

/** Side of the grid that position embeddings are stored for (`visual.py`: 256 positions). */
export const POSITION_GRID = 16;

/** A whole tensor as float32. */
export const vector = (weights: WeightSource, name: string): Promise<Float32Array<ArrayBuffer>> =>
  weights.readFloat32(name);

/**
 * A weight tensor `[rows, columns]`, or some of its rows.
 *
 * @throws EideticError `invalid_checkpoint`, when it is read, unless it holds floats.
 */
export function matrix(weights: WeightSource, name: string, range?: { firstRow: number; rows: number }): Matrix {
  const { shape = [], dtype = 'float32', file } = weights.tensors.get(name) ?? {};
  const [totalRows = 0, columns = 0] = shape;
  const { firstRow, rows } = range ?? { firstRow: 0, rows: totalRows };
  return {
    rows,
    columns,
    async read(first, count) {
      if (!isFloatDType(dtype)) {
        throw new EideticError('invalid_checkpoint', `'${name}' in ${file} holds ${dtype}; floats are needed here.`);
      }
      return { dtype, bytes: await weights.readRaw(name, { firstRow: firstRow + first, rows: count }) };
    },
  };
}
