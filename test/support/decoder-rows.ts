import type { Bundle } from '@eidetic/bundle';
import {
  decoderSession,
  EmbeddingTable,
  type FloatArray,
  floatArrayOf,
  ModelRunner,
  type StepScores,
} from '@eidetic/engine';
import { Environment, type SessionOptions } from '@eidetic/ort';

/** One token of a decode step. */
export interface DecodedToken {
  readonly id: number;
  readonly position: number;
  readonly ropeOffset?: number;
}

/** Which part of a prompt is computed, and how. */
export interface PrefillOptions {
  /** Most positions at a time; default: all. */
  readonly chunk?: number;
  /** Positions before this one are in the slot already. */
  readonly from?: number;
  readonly ropeOffset?: number;
}

/** What computes; default: the CPU. */
export interface DecoderRowsOptions {
  readonly environment?: Environment;
  readonly session?: SessionOptions;
  readonly cudaGraphs?: boolean;
}

/** The decoder of a bundle over KV slots, without an engine around it. It takes token ids, and computes at temperature 1 / 0.7. */
export class DecoderRows implements Disposable {
  readonly #runner: ModelRunner;
  readonly #table: EmbeddingTable;
  readonly #decoder: Bundle['manifest']['decoder'];
  readonly #release: () => void;

  private constructor(bundle: Bundle, runner: ModelRunner, release: () => void) {
    this.#runner = runner;
    this.#table = new EmbeddingTable(bundle);
    this.#decoder = bundle.manifest.decoder;
    this.#release = release;
  }

  /** `slots` slots of `capacity` positions. */
  static async open(
    bundle: Bundle,
    slots: number,
    capacity: number,
    { environment = Environment.load(), session: options, cudaGraphs = false }: DecoderRowsOptions = {},
  ): Promise<DecoderRows> {
    const { graph, dtype } = bundle.manifest.decoder;
    const session = await environment.createSession(bundle.path(graph), decoderSession(options, dtype, cudaGraphs));
    const runner = new ModelRunner(session, bundle, { slots, capacity, cudaGraphs });
    return new DecoderRows(bundle, runner, () => {
      runner.release();
      session.release();
    });
  }

  /** Computes a prompt; the scores after its last position, valid until the next call. */
  async prefill(slot: number, ids: readonly number[], options: PrefillOptions = {}): Promise<StepScores> {
    const { chunk = ids.length, from = 0, ropeOffset = 0 } = options;
    let scores: StepScores | undefined;
    for (let start = from; start < ids.length; ) {
      const left = ids.length - start;
      const rows = left - chunk === 1 ? left : Math.min(chunk, left);
      const { hidden, dtype } = this.#decoder;
      const ArrayOf = floatArrayOf(dtype);
      const embeddings = new ArrayOf(rows * hidden);
      for (let i = 0; i < rows; i++) {
        this.#table.read(ids[start + i] ?? 0, embeddings.subarray(i * hidden, (i + 1) * hidden));
      }
      scores = await this.#runner.prefill({ slot, start, ropeOffset, inverseTemperature: 0.7, embeddings });
      start += rows;
    }
    if (!scores) throw new Error('The prompt is empty.');
    return scores;
  }

  /** Copies the state of the first positions from one slot to another. */
  copy(from: number, to: number, positions: number): void {
    this.#runner.kv.copy(from, to, 0, positions);
  }

  /** One step over the first slots; the scores of each, valid until the next call. */
  async decode(tokens: readonly DecodedToken[]): Promise<StepScores[]> {
    const rows = tokens.map(({ id, position, ropeOffset = 0 }) => ({
      position,
      ropeOffset,
      inverseTemperature: 0.7,
      embed: (target: FloatArray) => this.#table.read(id, target),
    }));
    const scores = await this.#runner.decode(0, rows);
    return tokens.map((_, slot) => scores(slot));
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#table.close();
  }
}
