import { EideticError } from '@eidetic/core';
import { z } from 'zod';

/** Sizes and constants of a checkpoint of the family, read from its `config.json`. */
export interface QwenVlConfig {
  readonly layers: number;
  readonly heads: number;
  /** `kv_channels`. */
  readonly headDim: number;
  /** `hidden_size`: equals heads × headDim. */
  readonly hidden: number;
  /** Rows of each gate and up matrix: `intermediate_size` counts both, so this is half of it. */
  readonly ffn: number;
  /** Rows of the embedding table and of the head, padding rows included. */
  readonly vocab: number;
  /** Most positions of one sequence. */
  readonly maxPositions: number;
  /** `seq_length`: the training length, from which dynamic NTK and logn scaling start. */
  readonly trainedPositions: number;
  readonly ropeBase: number;
  readonly dynamicNtk: boolean;
  readonly lognAttention: boolean;
  /** Epsilon of the RMS norms. */
  readonly normEpsilon: number;
  readonly visual: VisualConfig;
}

/** Sizes of the vision transformer and its resampler. */
export interface VisualConfig {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly width: number;
  /** Rows of each `c_fc`: width × `mlp_ratio`, truncated. */
  readonly mlp: number;
  readonly patchSize: number;
  /** Side of the square input in pixels. */
  readonly imageSize: number;
  /** Patches on each side of the image. */
  readonly gridSide: number;
  /** Columns of the embedding: the language model's hidden size. */
  readonly outputDim: number;
  /** Rows of the embedding: tokens per image. A square number. */
  readonly queries: number;
  readonly resamplerHeads: number;
  /** Id of `<img>`; `</img>` and `<imgpad>` follow. */
  readonly imageStartId: number;
}

/** How answers are generated unless a request says otherwise, read from `generation_config.json`. */
export interface GenerationDefaults {
  /** `chatml` for chat models, `raw` for base models. */
  readonly chatFormat: 'chatml' | 'raw';
  readonly maxNewTokens: number;
  /** 0 when `do_sample` is false. */
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly repetitionPenalty: number;
}

const size = z.int().positive();

const configSchema = z.object({
  model_type: z.literal('qwen'),
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  kv_channels: size,
  intermediate_size: size.multipleOf(2),
  vocab_size: size,
  max_position_embeddings: size,
  seq_length: size,
  layer_norm_epsilon: z.number().positive(),
  rotary_emb_base: z.number().positive(),
  use_dynamic_ntk: z.boolean(),
  use_logn_attn: z.boolean(),
  // No checkpoint of the family has other values, and the graphs are built for these.
  rotary_pct: z.literal(1).default(1),
  no_bias: z.literal(true).default(true),
  scale_attn_weights: z.literal(true).default(true),
  tie_word_embeddings: z.literal(false).default(false),
  visual: z.object({
    width: size,
    layers: size,
    heads: size,
    mlp_ratio: z.number().positive(),
    patch_size: size,
    image_size: size,
    output_dim: size,
    image_start_id: z.int().nonnegative(),
    // Absent in Qwen-VL: fixed in its code.
    n_queries: size.default(256),
    resampler_heads: size.optional(),
  }),
});

/** Head size of the resampler where the checkpoint does not say (`visual.py`: `num_heads=output_dim // 128`). */
const RESAMPLER_HEAD_DIM = 128;

/**
 * Reads a parsed `config.json` of Qwen-VL or Qwen-VL-Chat.
 *
 * @throws EideticError `invalid_checkpoint`, naming the key that is missing, wrong or inconsistent.
 */
export function parseConfig(json: unknown): QwenVlConfig {
  const raw = parse('config.json', configSchema, json);
  const { visual } = raw;
  const resamplerHeads = visual.resampler_heads ?? Math.floor(visual.output_dim / RESAMPLER_HEAD_DIM);
  requireEqual(
    'num_attention_heads × kv_channels',
    raw.num_attention_heads * raw.kv_channels,
    'hidden_size',
    raw.hidden_size,
  );
  requireEqual('visual.output_dim', visual.output_dim, 'hidden_size', raw.hidden_size);
  requireMultiple('visual.width', visual.width, 'visual.heads', visual.heads);
  requireMultiple('visual.image_size', visual.image_size, 'visual.patch_size', visual.patch_size);
  requireMultiple('visual.output_dim', visual.output_dim, 'visual.resampler_heads', resamplerHeads);
  if (!Number.isInteger(Math.sqrt(visual.n_queries))) {
    throw new EideticError(
      'invalid_checkpoint',
      `config.json: visual.n_queries is ${visual.n_queries}, which is no square.`,
    );
  }
  return {
    layers: raw.num_hidden_layers,
    heads: raw.num_attention_heads,
    headDim: raw.kv_channels,
    hidden: raw.hidden_size,
    ffn: raw.intermediate_size / 2,
    vocab: raw.vocab_size,
    maxPositions: raw.max_position_embeddings,
    trainedPositions: raw.seq_length,
    ropeBase: raw.rotary_emb_base,
    dynamicNtk: raw.use_dynamic_ntk,
    lognAttention: raw.use_logn_attn,
    normEpsilon: raw.layer_norm_epsilon,
    visual: {
      layers: visual.layers,
      heads: visual.heads,
      headDim: visual.width / visual.heads,
      width: visual.width,
      mlp: Math.trunc(visual.width * visual.mlp_ratio),
      patchSize: visual.patch_size,
      imageSize: visual.image_size,
      gridSide: visual.image_size / visual.patch_size,
      outputDim: visual.output_dim,
      queries: visual.n_queries,
      resamplerHeads,
      imageStartId: visual.image_start_id,
    },
  };
}

const generationSchema = z.object({
  chat_format: z.enum(['chatml', 'raw']),
  do_sample: z.boolean().default(true),
  max_new_tokens: size.default(512),
  temperature: z.number().positive().default(1),
  top_p: z.number().gt(0).max(1).default(1),
  top_k: z.int().nonnegative().default(0),
  repetition_penalty: z.number().positive().default(1),
});

/**
 * Reads a parsed `generation_config.json`.
 *
 * @throws EideticError `invalid_checkpoint`, naming the key.
 */
export function parseGenerationConfig(json: unknown): GenerationDefaults {
  const raw = parse('generation_config.json', generationSchema, json);
  return {
    chatFormat: raw.chat_format,
    maxNewTokens: raw.max_new_tokens,
    temperature: raw.do_sample ? raw.temperature : 0,
    topP: raw.top_p,
    topK: raw.top_k,
    repetitionPenalty: raw.repetition_penalty,
  };
}

function parse<T>(file: string, schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new EideticError('invalid_checkpoint', `${file}: ${problems.join('; ')}.`);
}

function requireEqual(left: string, leftValue: number, right: string, rightValue: number): void {
  if (leftValue === rightValue) return;
  throw new EideticError('invalid_checkpoint', `config.json: ${left} is ${leftValue}, but ${right} is ${rightValue}.`);
}

function requireMultiple(left: string, leftValue: number, right: string, rightValue: number): void {
  if (rightValue > 0 && leftValue % rightValue === 0) return;
  throw new EideticError(
    'invalid_checkpoint',
    `config.json: ${left} is ${leftValue}, which is no multiple of ${right}, ${rightValue}.`,
  );
}
