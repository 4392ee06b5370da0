import { setImmediate as turn } from 'node:timers/promises';
import type { Bundle, Manifest } from '@eidetic/bundle';
import { type Binding, type Session, Tensor } from '@eidetic/ort';
import { KvCache } from './kv-cache.ts';
import type { StepScores } from './sampler.ts';

/** One sequence's part in a decode step. */
export interface DecodeRow {
  /** Position that the token takes: the number of positions before it. */
  readonly position: number;
  /** First row of the rotary tables that the sequence uses. */
  readonly ropeOffset: number;
  readonly inverseTemperature: number;
  /** Writes the token's embedding (`hidden` numbers). */
  readonly embed: (target: Float32Array) => void;
}

/** A run of consecutive prompt positions of one sequence. */
export interface PrefillChunk {
  readonly slot: number;
  /** Position of the first row. */
  readonly start: number;
  readonly ropeOffset: number;
  readonly inverseTemperature: number;
  /** `[rows, hidden]`. */
  readonly embeddings: Float32Array;
}

/** Buffers of one shape of step, bound once. */
interface PreparedStep {
  readonly binding: Binding;
  readonly inverseTemperature: Float32Array;
  readonly seqlensK: Int32Array;
  readonly totalLength: Int32Array;
  readonly topValues: Float32Array;
  readonly topIds: BigInt64Array;
  readonly logNormalizer: Float32Array;
  readonly logits: Float32Array;
}

interface DecodeStep extends PreparedStep {
  readonly embeddings: Float32Array;
  readonly positionIds: BigInt64Array;
  /** How long the last step took. */
  durationMs: number;
}

/**
 * Decode steps up to this long run on the event loop's own thread. Handing one to another thread wakes a third thread beside
 * the two or more that compute, which costs more than the step (docs/decisions/0008-short-steps.md).
 */
const SHORT_STEP_MS = 4;

/**
 * Runs the decoder graph over the KV cache. Bindings are prepared once per range of slots: a step fills buffers and runs.
 * One call at a time.
 */
export class ModelRunner {
  readonly kv: KvCache;
  readonly #session: Session;
  readonly #decoder: Manifest['decoder'];
  /** Where every step writes its scores. */
  readonly #outputs: Pick<PreparedStep, 'topValues' | 'topIds' | 'logNormalizer' | 'logits'>;
  /** By range of slots. */
  readonly #decodeSteps = new Map<string, DecodeStep>();
  readonly #prefillSteps = new Map<number, PreparedStep>();

  /** `slots` sequences of up to `capacity` positions. */
  constructor(session: Session, bundle: Bundle, slots: number, capacity: number) {
    this.#session = session;
    this.#decoder = bundle.manifest.decoder;
    this.kv = new KvCache(this.#decoder, slots, capacity);
    const { topK, vocab } = this.#decoder;
    this.#outputs = {
      topValues: new Float32Array(slots * topK),
      topIds: new BigInt64Array(slots * topK),
      logNormalizer: new Float32Array(slots),
      logits: new Float32Array(slots * vocab),
    };
  }

  /**
   * Runs positions `start` to `start + rows` of one sequence: one sequence at a time, since GroupQueryAttention takes several
   * new positions with a past only at batch 1. Returns the scores after the last; valid until the next call.
   */
  async prefill(chunk: PrefillChunk): Promise<StepScores> {
    const { slot, start, ropeOffset, embeddings } = chunk;
    const { hidden } = this.#decoder;
    const rows = embeddings.length / hidden;
    const step = this.#prefillStep(slot);
    const ids = BigInt64Array.from({ length: rows }, (_, i) => BigInt(ropeOffset + start + i));
    step.seqlensK[0] = start + rows - 1;
    step.totalLength[0] = start + rows;
    step.inverseTemperature[0] = chunk.inverseTemperature;
    using inputs = Tensor.fromArray(embeddings, [1, rows, hidden]);
    using positions = Tensor.fromArray(ids, [1, rows]);
    await step.binding.input('inputs_embeds', inputs).input('position_ids', positions).run();
    return scoresOf(step, 0, this.#decoder);
  }

  /**
   * One token for each of the slots from `first` on. A slot that sits this step out is given as the number of its positions that
   * are to be kept: the graph writes behind them, where nothing is read before it is overwritten.
   * Returns the scores by slot; valid until the next call.
   */
  async decode(first: number, rows: readonly (DecodeRow | number)[]): Promise<(slot: number) => StepScores> {
    const { hidden } = this.#decoder;
    const step = this.#decodeStep(first, rows.length);
    let longest = 1;
    for (const [i, row] of rows.entries()) {
      const position = typeof row === 'object' ? row.position : row;
      longest = Math.max(longest, position + 1);
      step.seqlensK[i] = position;
      if (typeof row !== 'object') continue;
      step.positionIds[i] = BigInt(row.ropeOffset + position);
      step.inverseTemperature[i] = row.inverseTemperature;
      row.embed(step.embeddings.subarray(i * hidden, (i + 1) * hidden));
    }
    step.totalLength[0] = longest;
    await this.#run(step);
    return (slot) => scoresOf(step, slot - first, this.#decoder);
  }

  async #run(step: DecodeStep): Promise<void> {
    const isShort = step.durationMs <= SHORT_STEP_MS;
    // One turn of the event loop before each short step: whoever waits for it is served between any two.
    if (isShort) await turn();
    const started = performance.now();
    if (isShort) step.binding.runSync();
    else await step.binding.run();
    step.durationMs = performance.now() - started;
  }

  /** Releases the bindings; the session belongs to the caller. */
  release(): void {
    for (const step of [...this.#decodeSteps.values(), ...this.#prefillSteps.values()]) step.binding.release();
  }

  #prefillStep(slot: number): PreparedStep {
    return getOrMake(this.#prefillSteps, slot, () => this.#prepare(slot, 1));
  }

  #decodeStep(first: number, count: number): DecodeStep {
    return getOrMake(this.#decodeSteps, `${first} to ${first + count}`, () => {
      const { hidden } = this.#decoder;
      const step = this.#prepare(first, count);
      const embeddings = new Float32Array(count * hidden);
      const positionIds = new BigInt64Array(count);
      bindInput(step.binding, 'inputs_embeds', embeddings, [count, 1, hidden]);
      bindInput(step.binding, 'position_ids', positionIds, [count, 1]);
      return { ...step, embeddings, positionIds, durationMs: Number.POSITIVE_INFINITY };
    });
  }

  /** Binds everything but the embeddings and their positions, for `count` slots from `first` on. */
  #prepare(first: number, count: number): PreparedStep {
    const { vocab, topK } = this.#decoder;
    const binding = this.#session.bind();
    const step: PreparedStep = {
      binding,
      inverseTemperature: new Float32Array(count).fill(1),
      seqlensK: new Int32Array(count),
      totalLength: new Int32Array(1),
      topValues: this.#outputs.topValues.subarray(0, count * topK),
      topIds: this.#outputs.topIds.subarray(0, count * topK),
      logNormalizer: this.#outputs.logNormalizer.subarray(0, count),
      logits: this.#outputs.logits.subarray(0, count * vocab),
    };
    bindInput(binding, 'inverse_temperature', step.inverseTemperature, [count, 1]);
    bindInput(binding, 'seqlens_k', step.seqlensK, [count]);
    bindInput(binding, 'total_sequence_length', step.totalLength, []);
    bindOutput(binding, 'top_values', step.topValues, [count, topK]);
    bindOutput(binding, 'top_ids', step.topIds, [count, topK]);
    bindOutput(binding, 'log_normalizer', step.logNormalizer, [count, 1]);
    bindOutput(binding, 'logits', step.logits, [count, vocab]);
    for (const { name, tensor } of this.kv.rows(first, count)) {
      using rows = tensor;
      binding.input(`past_key_values.${name}`, rows).output(`present.${name}`, rows);
    }
    return step;
  }
}

type HostArray = Float32Array | Int32Array | BigInt64Array;

function bindInput(binding: Binding, name: string, array: HostArray, dims: readonly number[]): void {
  using tensor = Tensor.fromArray(array, dims);
  binding.input(name, tensor);
}

function bindOutput(binding: Binding, name: string, array: HostArray, dims: readonly number[]): void {
  using tensor = Tensor.fromArray(array, dims);
  binding.output(name, tensor);
}

function scoresOf(step: PreparedStep, row: number, { topK, vocab }: Manifest['decoder']): StepScores {
  return {
    topValues: step.topValues.subarray(row * topK, (row + 1) * topK),
    topIds: step.topIds.subarray(row * topK, (row + 1) * topK),
    logNormalizer: step.logNormalizer[row] ?? 0,
    logits: step.logits.subarray(row * vocab, (row + 1) * vocab),
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}
