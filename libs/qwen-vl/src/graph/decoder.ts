import {
  constantOf,
  type GptqScheme,
  type GraphBuilder,
  type GraphFormats,
  gptqLinear,
  type LinearFormat,
  linear,
  MICROSOFT,
  type Value,
  type WeightSource,
  WIDE_BLOCK,
} from '@eidetic/exporter';
import type { QwenVlConfig } from '../config.ts';
import { EvenRows } from './even-rows.ts';
import { rotaryTables } from './rotary.ts';
import { matrix, vector } from './tensors.ts';

/** What the decoder graph needs to know beyond the configuration. */
export interface DecoderOptions {
  /** Number of likeliest tokens that the graph returns. */
  readonly topK: number;
  /** How the matrices are quantised in the checkpoint already, if they are. */
  readonly gptq: GptqScheme | undefined;
  /** Ids that are never generated; their logits are -inf. */
  readonly masked: (id: number) => boolean;
}

/**
 * Builds the language model (Qwen-7B's architecture: RMSNorm, rotary positions with dynamic NTK and logn, SwiGLU). Inputs and
 * outputs are described in the manifest schema. Keys and values are cached after rotation and before logn scaling, and
 * GroupQueryAttention writes them in place when past and present are bound to the same memory.
 */
export async function buildDecoder(
  graph: GraphBuilder,
  config: QwenVlConfig,
  weights: WeightSource,
  formats: GraphFormats,
  options: DecoderOptions,
): Promise<void> {
  const builder = new DecoderBuilder(graph, config, weights, formats, options.gptq);
  await builder.addLayers();
  await builder.addHead(options);
}

class DecoderBuilder {
  readonly #graph: GraphBuilder;
  readonly #config: QwenVlConfig;
  readonly #weights: WeightSource;
  readonly #formats: GraphFormats;
  readonly #format: LinearFormat;
  readonly #gptq: GptqScheme | undefined;
  /** The sum of everything added to the residual stream so far, and what is to be added next. */
  #residual: Value = '';
  #update: Value = '';
  /** Present where matrices need even numbers of rows: the residual stream has two axes then, not three. */
  #rows: EvenRows | undefined;

  constructor(
    graph: GraphBuilder,
    config: QwenVlConfig,
    weights: WeightSource,
    formats: GraphFormats,
    gptq: GptqScheme | undefined,
  ) {
    this.#graph = graph;
    this.#config = config;
    this.#weights = weights;
    this.#formats = formats;
    this.#format = { ...formats.decoder, evenRows: wantsEvenRows(config, formats.decoder, gptq) };
    this.#gptq = gptq;
  }

  get #activations() {
    return this.#format.activations;
  }

  async addLayers(): Promise<void> {
    const graph = this.#graph;
    const { hidden, layers } = this.#config;
    const embeddings = graph.input('inputs_embeds', this.#activations, ['batch', 'sequence', hidden]);
    if (this.#format.evenRows) this.#rows = await EvenRows.of(graph, embeddings);
    this.#residual = await this.#toRows(embeddings);
    graph.input('position_ids', 'int64', ['batch', 'sequence']);
    graph.input('seqlens_k', 'int32', ['batch']);
    graph.input('total_sequence_length', 'int32', []);
    const { keyCos, keySin, queryCos, querySin, tables } = rotaryTables(this.#config);
    const dims = [tables.length * this.#config.maxPositions, this.#config.headDim / 2];
    await constantOf(graph, 'rotary.key.cos', keyCos, dims, this.#activations);
    await constantOf(graph, 'rotary.key.sin', keySin, dims, this.#activations);
    await constantOf(graph, 'rotary.query.cos', queryCos, dims, this.#activations);
    await constantOf(graph, 'rotary.query.sin', querySin, dims, this.#activations);
    for (let i = 0; i < layers; i++) {
      await this.#addAttention(i);
      await this.#addFeedForward(i);
    }
  }

  /** What lies by sequences, as matrices take it. */
  async #toRows(x: Value): Promise<Value> {
    return this.#rows ? await this.#rows.pad(x, this.#config.hidden) : x;
  }

  /** What matrices gave, `width` columns of it, by sequences. */
  async #toSequences(x: Value, width: number): Promise<Value> {
    return this.#rows ? await this.#rows.trim(x, width) : x;
  }

  /** Adds `#update` to the residual stream and normalises the sum (RMSNorm, statistics in float32). */
  async #addAndNorm(name: string, tensor: string): Promise<Value> {
    const gamma = await vector(this.#weights, tensor);
    const weight = await constantOf(this.#graph, `${name}.weight`, gamma, [gamma.length], this.#activations);
    const epsilon = this.#config.normEpsilon;
    if (this.#update === '') {
      const attributes = { epsilon, axis: -1n, stash_type: 1n };
      return this.#graph.node(name, 'SimplifiedLayerNormalization', [this.#residual, weight], { attributes });
    }
    const sum = `${name}.residual`;
    this.#graph.node(name, 'SkipSimplifiedLayerNormalization', [this.#residual, this.#update, weight], {
      domain: MICROSOFT,
      attributes: { epsilon },
      outputs: [name, '', '', sum],
    });
    this.#residual = sum;
    return name;
  }

  /** A matrix product with the layer whose tensors' names begin with `tensor`. What GPTQ quantised always has a bias. */
  async #linear(name: string, x: Value, tensor: string, hasBias = false): Promise<Value> {
    const weights = this.#weights;
    if (this.#gptq !== undefined) {
      return gptqLinear(this.#graph, name, x, { weights, name: tensor, scheme: this.#gptq }, this.#format);
    }
    const bias = hasBias ? await vector(weights, `${tensor}.bias`) : undefined;
    return linear(this.#graph, name, x, matrix(weights, `${tensor}.weight`), this.#format, bias);
  }

  async #addAttention(i: number): Promise<void> {
    const graph = this.#graph;
    const { heads, headDim, hidden } = this.#config;
    const tensors = `transformer.h.${i}`;
    const name = `layers.${i}.attention`;
    const x = await this.#addAndNorm(`layers.${i}.norm1`, `${tensors}.ln_1.weight`);
    const product = await this.#linear(`${name}.qkv`, x, `${tensors}.attn.c_attn`, true);
    const qkv = await this.#toSequences(product, 3 * hidden);
    const parts = await graph.constant(
      `${name}.parts`,
      BigInt64Array.of(BigInt(hidden), BigInt(hidden), BigInt(hidden)),
      [3],
    );
    const [q, k, v] = [`${name}.q`, `${name}.k`, `${name}.v`];
    graph.node(`${name}.split`, 'Split', [qkv, parts], { attributes: { axis: -1n }, outputs: [q, k, v] });
    const rotate = (value: Value, kind: 'query' | 'key'): Value =>
      graph.node(
        `${value}.rotated`,
        'RotaryEmbedding',
        [value, 'position_ids', `rotary.${kind}.cos`, `rotary.${kind}.sin`],
        {
          domain: MICROSOFT,
          attributes: { interleaved: 0n },
        },
      );
    const cacheDims = (length: string) => ['batch', heads, length, headDim];
    const past = (['key', 'value'] as const).map((part) =>
      graph.input(`past_key_values.${i}.${part}`, this.#activations, cacheDims('capacity')),
    );
    const present = [`present.${i}.key`, `present.${i}.value`];
    graph.node(
      name,
      'GroupQueryAttention',
      [rotate(q, 'query'), rotate(k, 'key'), v, ...past, 'seqlens_k', 'total_sequence_length'],
      {
        domain: MICROSOFT,
        attributes: { num_heads: BigInt(heads), kv_num_heads: BigInt(heads), scale: headDim ** -0.5 },
        outputs: [name, ...present],
      },
    );
    for (const output of present) graph.output(output, this.#activations, cacheDims('new_capacity'));
    this.#update = await this.#linear(`${name}.projection`, await this.#toRows(name), `${tensors}.attn.c_proj`);
  }

  async #addFeedForward(i: number): Promise<void> {
    const graph = this.#graph;
    const tensors = `transformer.h.${i}`;
    const name = `layers.${i}.mlp`;
    const x = await this.#addAndNorm(`layers.${i}.norm2`, `${tensors}.ln_2.weight`);
    const project = (part: string, input: Value, tensor: string): Promise<Value> =>
      this.#linear(`${name}.${part}`, input, `${tensors}.mlp.${tensor}`);
    // In this family w2 is the gate and w1 the up projection.
    const gate = await project('gate', x, 'w2');
    const up = await project('up', x, 'w1');
    // x * sigmoid(alpha * x) with alpha 1 is SiLU.
    const silu = graph.node(`${name}.silu`, 'QuickGelu', [gate], { domain: MICROSOFT, attributes: { alpha: 1 } });
    this.#update = await project('down', graph.node(`${name}.gated`, 'Mul', [silu, up]), 'c_proj');
  }

  async addHead({ topK, masked }: DecoderOptions): Promise<void> {
    const graph = this.#graph;
    const { hidden, vocab } = this.#config;
    const rows = await this.#addAndNorm('final_norm', 'transformer.ln_f.weight');
    const normed = await this.#toSequences(rows, hidden);
    // Only the last position's logits are wanted: a scalar index takes the axis away.
    const last = await graph.constant('last_index', BigInt64Array.of(-1n), []);
    const state = graph.node('last_state', 'Gather', [normed, last], { attributes: { axis: 1n } });
    const head = matrix(this.#weights, 'lm_head.weight');
    const raw = await linear(graph, 'lm_head', state, head, this.#formats.head);
    const scores =
      this.#activations === 'float32' ? raw : graph.node('lm_head.float', 'Cast', [raw], { attributes: { to: 1n } });
    const mask = Float32Array.from({ length: vocab }, (_, id) => (masked(id) ? Number.NEGATIVE_INFINITY : 0));
    const logits = graph.node('logits', 'Add', [scores, await graph.constant('token_mask', mask, [vocab])]);
    graph.output(logits, 'float32', ['batch', vocab]);

    const k = await graph.constant('top_k', BigInt64Array.of(BigInt(topK)), [1]);
    graph.node('top', 'TopK', [logits, k], { attributes: { axis: -1n }, outputs: ['top_values', 'top_ids'] });
    graph.output('top_values', 'float32', ['batch', topK]);
    graph.output('top_ids', 'int64', ['batch', topK]);

    const inverse = graph.input('inverse_temperature', 'float32', ['batch', 1]);
    const axis = await graph.constant('vocabulary_axis', BigInt64Array.of(-1n), [1]);
    graph.node('log_normalizer', 'ReduceLogSumExp', [graph.node('tempered', 'Mul', [logits, inverse]), axis], {
      attributes: { keepdims: 1n },
    });
    graph.output('log_normalizer', 'float32', ['batch', 1]);
  }
}

/** Whether a matrix of the layers is to be had in wide blocks on a CPU. */
function wantsEvenRows({ hidden, ffn }: QwenVlConfig, format: LinearFormat, gptq: GptqScheme | undefined): boolean {
  if (format.precision !== 'int4' || format.activations !== 'float32') return false;
  if (gptq !== undefined) return gptq.groupSize === WIDE_BLOCK;
  return hidden % WIDE_BLOCK === 0 || ffn % WIDE_BLOCK === 0;
}
