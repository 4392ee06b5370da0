import { setImmediate as turn } from 'node:timers/promises';
import type { Bundle, Manifest } from '@eidetic/bundle';
import { type Binding, type Mirror, type Session, Tensor, type TensorArray } from '@eidetic/ort';
import { type FloatArray, floatArrayOf } from './float-array.ts';
import { createKvCache, type KvCache } from './kv-cache.ts';
import type { StepScores } from './sampler.ts';

/** One sequence's part in a decode step. */
export interface DecodeRow {
  /** Position that the token takes: the number of positions before it. */
  readonly position: number;
  /** First row of the rotary tables that the sequence uses. */
  readonly ropeOffset: number;
  readonly inverseTemperature: number;
  /** Writes the token's embedding (`hidden` numbers). */
  readonly embed: (target: FloatArray) => void;
}

/** A run of consecutive prompt positions of one sequence. */
export interface PrefillChunk {
  readonly slot: number;
  /** Position of the first row. */
  readonly start: number;
  readonly ropeOffset: number;
  readonly inverseTemperature: number;
  /** `[rows, hidden]`, in the type of the model's activations. */
  readonly embeddings: FloatArray;
}

/** What a runner is made for. */
export interface ModelRunnerOptions {
  readonly slots: number;
  /** Most positions of a sequence. */
  readonly capacity: number;
  /** Whether decode steps are captured as CUDA graphs, which the session is set up for; default not. */
  readonly cudaGraphs?: boolean;
}

/** What steps read, a row for each slot. */
interface Inputs {
  readonly embeddings: Mirror<FloatArray>;
  readonly positionIds: Mirror<BigInt64Array>;
  readonly inverseTemperature: Mirror<Float32Array>;
  readonly seqlensK: Mirror<Int32Array>;
}

/** What steps write, a row for each slot. */
interface Scores {
  readonly topValues: Mirror<Float32Array>;
  readonly topIds: Mirror<BigInt64Array>;
  readonly logNormalizer: Mirror<Float32Array>;
  readonly logits: Mirror<Float32Array>;
}

/** Buffers of one shape of step, bound once. */
interface PreparedStep extends Pick<Inputs, 'inverseTemperature' | 'seqlensK'> {
  readonly binding: Binding;
  /** GroupQueryAttention reads it on the host, whatever computes. */
  readonly totalLength: Int32Array;
  readonly scores: Scores;
}

interface DecodeStep extends PreparedStep, Inputs {
  /** How long the last step took. */
  durationMs: number;
}

/**
 * Decode steps up to this long run on the event loop's own thread. Handing one to another thread wakes a third thread beside
 * the two or more that compute, which costs more than the step (docs/decisions/0008-short-steps.md).
 */
const SHORT_STEP_MS = 4;

/** A run that is not captured, in a session that captures. */
const NO_GRAPH = -1;

/**
 * Runs the decoder graph over the KV cache. Bindings are prepared once per range of slots: a step fills buffers and runs. On a GPU, what
 * steps read and write stays there; of the scores only the likeliest come back, and a row of logits when somebody asks for it.
 * One call at a time.
 */
export class ModelRunner {
  readonly kv: KvCache;
  readonly #session: Session;
  readonly #decoder: Manifest['decoder'];
  readonly #options: ModelRunnerOptions;
  /** One call at a time: steps of all ranges share the first rows. */
  readonly #inputs: Inputs;
  readonly #scores: Scores;
  /** By range of slots. */
  readonly #decodeSteps = new Map<string, DecodeStep>();
  readonly #prefillSteps = new Map<number, PreparedStep>();
  readonly #resources = new DisposableStack();

  /** @throws EideticError `invalid_config` when there is not enough memory for the KV cache */
  constructor(session: Session, bundle: Bundle, options: ModelRunnerOptions) {
    const { slots, capacity } = options;
    this.#session = session;
    this.#decoder = bundle.manifest.decoder;
    this.#options = options;
    const { hidden, dtype, topK, vocab } = this.#decoder;
    using made = new DisposableStack();
    this.kv = made.adopt(createKvCache(session, this.#decoder, slots, capacity), (kv) => kv.release());
    this.#inputs = {
      embeddings: made.use(session.mirror<FloatArray>(floatArrayOf(dtype), [slots, 1, hidden])),
      positionIds: made.use(session.mirror(BigInt64Array, [slots, 1])),
      inverseTemperature: made.use(session.mirror(Float32Array, [slots, 1])),
      seqlensK: made.use(session.mirror(Int32Array, [slots])),
    };
    this.#scores = {
      topValues: made.use(session.mirror(Float32Array, [slots, topK])),
      topIds: made.use(session.mirror(BigInt64Array, [slots, topK])),
      logNormalizer: made.use(session.mirror(Float32Array, [slots, 1])),
      logits: made.use(session.mirror(Float32Array, [slots, vocab])),
    };
    this.#resources.use(made.move());
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
    step.seqlensK.array[0] = start + rows - 1;
    step.totalLength[0] = start + rows;
    step.inverseTemperature.array[0] = chunk.inverseTemperature;
    using inputs = Tensor.fromArray(embeddings, [1, rows, hidden]);
    using positions = Tensor.fromArray(ids, [1, rows]);
    upload(step.seqlensK, step.inverseTemperature);
    await step.binding.input('inputs_embeds', inputs).input('position_ids', positions).run();
    download(step.scores);
    return scoresOf(step.scores, 0, this.#decoder);
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
      step.seqlensK.array[i] = position;
      if (typeof row !== 'object') continue;
      step.positionIds.array[i] = BigInt(row.ropeOffset + position);
      step.inverseTemperature.array[i] = row.inverseTemperature;
      row.embed(step.embeddings.array.subarray(i * hidden, (i + 1) * hidden));
    }
    // A captured graph keeps the number of its capture; each row's own length is read on the GPU.
    step.totalLength[0] = this.#options.cudaGraphs ? this.#options.capacity : longest;
    await this.#run(step);
    return (slot) => scoresOf(step.scores, slot - first, this.#decoder);
  }

  async #run(step: DecodeStep): Promise<void> {
    const isShort = step.durationMs <= SHORT_STEP_MS;
    // One turn of the event loop before each short step: whoever waits for it is served between any two.
    if (isShort || this.#options.cudaGraphs) await turn();
    const started = performance.now();
    upload(step.embeddings, step.positionIds, step.seqlensK, step.inverseTemperature);
    // A graph belongs to the thread that captured it.
    if (isShort || this.#options.cudaGraphs) step.binding.runSync();
    else await step.binding.run();
    download(step.scores);
    step.durationMs = performance.now() - started;
  }

  /** Releases bindings and memory; the session belongs to the caller. */
  release(): void {
    this.#resources.dispose();
  }

  #prefillStep(slot: number): PreparedStep {
    return getOrMake(this.#prefillSteps, slot, () => this.#prepare(slot, 1, NO_GRAPH));
  }

  #decodeStep(first: number, count: number): DecodeStep {
    return getOrMake(this.#decodeSteps, `${first} to ${first + count}`, () => {
      const step = this.#prepare(first, count, this.#decodeSteps.size + 1);
      const embeddings = this.#part(this.#inputs.embeddings, [count, 1, this.#decoder.hidden]);
      const positionIds = this.#part(this.#inputs.positionIds, [count, 1]);
      step.binding.input('inputs_embeds', embeddings.tensor).input('position_ids', positionIds.tensor);
      return { ...step, embeddings, positionIds, durationMs: Number.POSITIVE_INFINITY };
    });
  }

  /** Binds everything but the embeddings and their positions, for `count` slots from `first` on. */
  #prepare(first: number, count: number, cudaGraphId: number): PreparedStep {
    const { vocab, topK } = this.#decoder;
    const binding = this.#resources.use(this.#session.bind(this.#options.cudaGraphs ? { cudaGraphId } : {}));
    const inverseTemperature = this.#part(this.#inputs.inverseTemperature, [count, 1]);
    const seqlensK = this.#part(this.#inputs.seqlensK, [count]);
    const totalLength = new Int32Array(1);
    const scores: Scores = {
      topValues: this.#part(this.#scores.topValues, [count, topK]),
      topIds: this.#part(this.#scores.topIds, [count, topK]),
      logNormalizer: this.#part(this.#scores.logNormalizer, [count, 1]),
      logits: this.#part(this.#scores.logits, [count, vocab]),
    };
    using total = Tensor.fromArray(totalLength, []);
    binding
      .input('inverse_temperature', inverseTemperature.tensor)
      .input('seqlens_k', seqlensK.tensor)
      .input('total_sequence_length', total)
      .output('top_values', scores.topValues.tensor)
      .output('top_ids', scores.topIds.tensor)
      .output('log_normalizer', scores.logNormalizer.tensor)
      .output('logits', scores.logits.tensor);
    for (const { name, tensor } of this.kv.rows(first, count)) {
      using rows = tensor;
      binding.input(`past_key_values.${name}`, rows).output(`present.${name}`, rows);
    }
    return { binding, inverseTemperature, seqlensK, totalLength, scores };
  }

  #part<A extends TensorArray>(mirror: Mirror<A>, dims: readonly number[]): Mirror<A> {
    return this.#resources.use(mirror.part(dims));
  }
}

type Uploaded = Pick<Mirror<Float32Array>, 'upload'>;

function upload(...mirrors: readonly Uploaded[]): void {
  for (const mirror of mirrors) mirror.upload();
}

/** Everything but the logits, of which a row is fetched when it is asked for. */
function download({ topValues, topIds, logNormalizer }: Scores): void {
  topValues.download();
  topIds.download();
  logNormalizer.download();
}

function scoresOf(scores: Scores, row: number, { topK, vocab }: Manifest['decoder']): StepScores {
  const { topValues, topIds, logNormalizer, logits } = scores;
  let fetched: Float32Array | undefined;
  return {
    topValues: topValues.array.subarray(row * topK, (row + 1) * topK),
    topIds: topIds.array.subarray(row * topK, (row + 1) * topK),
    logNormalizer: logNormalizer.array[row] ?? 0,
    vocab,
    get logits() {
      if (fetched === undefined) {
        logits.download(row * vocab, vocab);
        fetched = logits.array.subarray(row * vocab, (row + 1) * vocab);
      }
      return fetched;
    },
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}
