import { z } from 'zod';

const size = z.int().positive();
const tokenId = z.int().nonnegative();
const file = z.string().regex(/^[\w.-]+$/, 'a file name inside the bundle');

/** Storage of the weights of one part. */
export const precisionSchema = z.enum(['float32', 'float16', 'int8', 'int4']);
export type Precision = z.infer<typeof precisionSchema>;

/** `manifest.json`: everything that the services need to know of a model besides its weights. */
export const manifestSchema = z
  .strictObject({
    format: z.literal('eidetic-bundle'),
    version: z.literal(1),
    /** Folder of the code that knows prompt, preprocessing and output grammar, such as `qwen-vl`. */
    family: z.string(),
    /** Name under which the model is served. */
    name: z.string(),
    /** Identifies the checkpoint and the exporter's version: a bundle is rebuilt when it changes. */
    source: z.string(),
    /** Every other file of the bundle. */
    files: z.array(z.strictObject({ path: file, size: z.int().nonnegative(), sha256: z.hash('sha256') })),
    vision: z.strictObject({
      /** Input `pixels` uint8 `[batch, imageSize, imageSize, 3]`, output `image_features` float32 `[batch, tokens, hidden]`. */
      graph: file,
      precision: precisionSchema,
      /** Side of the square that pictures are resized to, in pixels. */
      imageSize: size,
      tokensPerImage: size,
      hidden: size,
      /** Covers weights, graph, precision and preprocessing. */
      fingerprint: z.string(),
    }),
    /**
     * One sequence per row. Inputs: `inputs_embeds` `[batch, sequence, hidden]`, `position_ids` int64 `[batch, sequence]`
     * (offset into the stacked rotary tables included), `seqlens_k` int32 `[batch]` (positions after this step, less one),
     * `total_sequence_length` int32 `[]` (the largest of those plus one), `inverse_temperature` float32 `[batch, 1]`,
     * `past_key_values.N.{key,value}` `[batch, kvHeads, capacity, headDim]`. Outputs, for the last position: `logits`
     * float32 `[batch, vocab]`, `top_values` float32 and `top_ids` int64 `[batch, topK]`, `log_normalizer` float32
     * `[batch, 1]` (log of the sum of exp(logits * inverse_temperature)); and `present.N.{key,value}`, to be bound to the same
     * memory as the past. A batch of more than one takes one position each.
     */
    decoder: z.strictObject({
      graph: file,
      precision: precisionSchema,
      /** Of the projection onto the vocabulary. */
      headPrecision: precisionSchema,
      /** Element type of activations and KV cache. */
      dtype: z.enum(['float32', 'float16']),
      layers: size,
      heads: size,
      kvHeads: size,
      headDim: size,
      hidden: size,
      /** Columns of the logits, padding rows included (their logits are -inf). */
      vocab: size,
      /** Most positions of one sequence. */
      maxPositions: size,
      /** Columns of `top_values` and `top_ids`: the likeliest tokens, in order. */
      topK: size,
      /**
       * Rotary tables are stacked: a sequence whose prompt has at most `maxPrompt` positions adds `offset` to every
       * position id (dynamic NTK). Ascending; the last entry covers `maxPositions`.
       */
      ropeTables: z.array(z.strictObject({ maxPrompt: size, offset: z.int().nonnegative() })).min(1),
    }),
    /** Token embedding table: raw rows `[rows, hidden]`, little endian. */
    embeddings: z.strictObject({
      file,
      dtype: z.enum(['float32', 'float16', 'bfloat16']),
      rows: size,
      hidden: size,
    }),
    tokenizer: z.strictObject({
      /** tiktoken ranks. */
      file,
      /** Name to id of every special token. */
      special: z.record(z.string(), tokenId),
    }),
    generation: z.strictObject({
      /** `chatml` for chat models, `raw` for base models. */
      chatFormat: z.enum(['chatml', 'raw']),
      stopTokenIds: z.array(tokenId),
      maxNewTokens: size,
      temperature: z.number().nonnegative(),
      topP: z.number().gt(0).max(1),
      topK: z.int().nonnegative(),
      repetitionPenalty: z.number().positive(),
    }),
  })
  .readonly();

/** A validated manifest. */
export type Manifest = z.infer<typeof manifestSchema>;
