import { type Checkpoint, openCheckpoint } from '@eidetic/checkpoint';
import { parseConfig, type QwenVlConfig } from '@eidetic/qwen-vl';
import { elementCount, type GgufTensor, type GgufType, type GgufValue, storedBytes, writeGguf } from './gguf.ts';

/** Storage of the language model's matrices; norms and biases stay float32. */
export interface QwenGgufTypes {
  readonly matrices: GgufType;
  /** The projection onto the vocabulary. */
  readonly head: GgufType;
}

/** GGUF names of one layer's tensors and what the checkpoint calls them: llama.cpp's architecture `qwen`. */
const LAYER = {
  'attn_norm.weight': 'ln_1.weight',
  'attn_qkv.weight': 'attn.c_attn.weight',
  'attn_qkv.bias': 'attn.c_attn.bias',
  'attn_output.weight': 'attn.c_proj.weight',
  'ffn_norm.weight': 'ln_2.weight',
  'ffn_gate.weight': 'mlp.w2.weight',
  'ffn_up.weight': 'mlp.w1.weight',
  'ffn_down.weight': 'mlp.c_proj.weight',
} as const;

/**
 * Writes the language model of a Qwen-VL checkpoint as a GGUF file that llama.cpp runs. The vocabulary holds placeholders:
 * the file takes and gives token ids, no text. llama.cpp knows neither dynamic NTK nor logn scaling, so its answers are
 * the model's up to the training length only.
 *
 * @returns the bytes of the weights that every token needs: all but the embedding table, of which a token reads one row.
 * @throws EideticError `invalid_checkpoint`
 */
export async function writeQwenGguf(checkpointDirectory: string, path: string, types: QwenGgufTypes): Promise<number> {
  await using checkpoint = await openCheckpoint(checkpointDirectory);
  const config = parseConfig(checkpoint.config);
  const embeddings = tensorOf(checkpoint, 'token_embd.weight', 'transformer.wte.weight', types.matrices);
  const weights = [
    ...Array.from({ length: config.layers }).flatMap((_, layer) =>
      Object.entries(LAYER).map(([name, source]) =>
        tensorOf(checkpoint, `blk.${layer}.${name}`, `transformer.h.${layer}.${source}`, types.matrices),
      ),
    ),
    tensorOf(checkpoint, 'output_norm.weight', 'transformer.ln_f.weight', 'f32'),
    tensorOf(checkpoint, 'output.weight', 'lm_head.weight', types.head),
  ];
  await writeGguf(path, metadataOf(config), [embeddings, ...weights]);
  return weights.reduce((sum, { shape, type }) => sum + storedBytes(elementCount(shape), type), 0);
}

function tensorOf(checkpoint: Checkpoint, name: string, source: string, type: GgufType): GgufTensor {
  const shape = checkpoint.tensors.get(source)?.shape ?? [];
  return { name, shape, type: shape.length > 1 ? type : 'f32', load: () => checkpoint.readFloat32(source) };
}

function metadataOf(config: QwenVlConfig): Record<string, GgufValue> {
  return {
    'general.architecture': 'qwen',
    'qwen.vocab_size': config.vocab,
    'qwen.context_length': config.trainedPositions,
    'qwen.embedding_length': config.hidden,
    'qwen.block_count': config.layers,
    // As in config.json: llama.cpp halves it.
    'qwen.feed_forward_length': config.ffn * 2,
    'qwen.attention.head_count': config.heads,
    'qwen.attention.layer_norm_rms_epsilon': { float32: config.normEpsilon },
    'qwen.rope.freq_base': { float32: config.ropeBase },
    'qwen.rope.dimension_count': config.headDim,
    // node-llama-cpp tokenises a probe text while loading, which aborts the process for a vocabulary of type `none`.
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.tokens': Array.from({ length: config.vocab }, (_, id) => `<${id}>`),
    'tokenizer.ggml.merges': [],
  };
}
