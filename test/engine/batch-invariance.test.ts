import type { Bundle, Precision } from '@eidetic/bundle';
import { EmbeddingTable, ModelRunner, type StepScores } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { Environment } from '@eidetic/ort';
import { describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { promptOf } from '../support/engines.ts';

const CAPACITY = 320;
const SLOTS = 8;

/** Everything the sampler may look at, to the bit. */
const bitsOf = ({ logits, topIds, topValues, logNormalizer }: StepScores): Uint8Array =>
  Buffer.concat([
    Uint8Array.from(new Uint8Array(logits.slice().buffer)),
    Uint8Array.from(new Uint8Array(topIds.slice().buffer)),
    Uint8Array.from(new Uint8Array(topValues.slice().buffer)),
    Buffer.from(Float64Array.of(logNormalizer).buffer),
  ]);

/** A runner over `slots` slots that takes token ids. */
class Rows implements Disposable {
  readonly #runner: ModelRunner;
  readonly #table: EmbeddingTable;
  readonly #hidden: number;
  readonly #release: () => void;

  private constructor(bundle: Bundle, runner: ModelRunner, release: () => void) {
    this.#runner = runner;
    this.#table = new EmbeddingTable(bundle);
    this.#hidden = bundle.manifest.decoder.hidden;
    this.#release = release;
  }

  static async open(bundle: Bundle, slots: number): Promise<Rows> {
    const session = await Environment.load().createSession(bundle.path(bundle.manifest.decoder.graph));
    const runner = new ModelRunner(session, bundle, slots, CAPACITY);
    return new Rows(bundle, runner, () => {
      runner.release();
      session.release();
    });
  }

  /** Computes a prompt in chunks; the scores after its last position. */
  async prefill(slot: number, ids: readonly number[], chunk: number, from = 0): Promise<Uint8Array> {
    let scores: StepScores | undefined;
    for (let start = from; start < ids.length; ) {
      const left = ids.length - start;
      const rows = left - chunk === 1 ? left : Math.min(chunk, left);
      const embeddings = new Float32Array(rows * this.#hidden);
      for (let i = 0; i < rows; i++) {
        this.#table.read(ids[start + i] ?? 0, embeddings.subarray(i * this.#hidden, (i + 1) * this.#hidden));
      }
      scores = await this.#runner.prefill({ slot, start, ropeOffset: 0, inverseTemperature: 0.7, embeddings });
      start += rows;
    }
    if (!scores) throw new Error('The prompt is empty.');
    return bitsOf(scores);
  }

  copy(from: number, to: number, positions: number): void {
    this.#runner.kv.copy(from, to, 0, positions);
  }

  /** One step over the first slots: the token and its position for each; the scores of each. */
  async decode(tokens: readonly { readonly id: number; readonly position: number }[]): Promise<Uint8Array[]> {
    const rows = tokens.map(({ id, position }) => ({
      position,
      ropeOffset: 0,
      inverseTemperature: 0.7,
      embed: (target: Float32Array) => this.#table.read(id, target),
    }));
    const scores = await this.#runner.decode(0, rows);
    return tokens.map((_, slot) => bitsOf(scores(slot)));
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#table.close();
  }
}

const whole = (precision: Precision) => ({ vision: 'float32', decoder: precision, head: precision }) as const;

describe.each([
  ['the default precision', DEFAULT_PRECISIONS],
  ['float32', whole('float32')],
  ['int4', whole('int4')],
] as const)('logits, in %s', (_, precisions) => {
  it('are the same bits alone and among seven others', async () => {
    const bundle = await testBundle(precisions);
    const prompts = Array.from({ length: SLOTS }, (_, i) => promptOf(5 + 37 * i, 28 + (i % 2)));
    const steps = [11, 12, 13];
    using together = await Rows.open(bundle, SLOTS);
    const first = [];
    for (const [slot, ids] of prompts.entries()) first.push(await together.prefill(slot, ids, CAPACITY));
    const later: Uint8Array[][] = [];
    for (const [i, id] of steps.entries()) {
      later.push(await together.decode(prompts.map(({ length }) => ({ id, position: length + i }))));
    }
    using alone = await Rows.open(bundle, 1);
    for (const [slot, ids] of prompts.entries()) {
      expect(await alone.prefill(0, ids, CAPACITY)).toEqual(first[slot]);
      for (const [i, id] of steps.entries()) {
        const [found] = await alone.decode([{ id, position: ids.length + i }]);
        expect(found).toEqual(later[i]?.[slot]);
      }
    }
  });

  it('are the same bits whole, in chunks, and from a copy of a part', async () => {
    using rows = await Rows.open(await testBundle(precisions), 2);
    const ids = promptOf(200);
    const wholePrompt = await rows.prefill(0, ids, CAPACITY);
    for (const chunk of [128, 64, 37, 16, 3, 2]) expect(await rows.prefill(1, ids, chunk)).toEqual(wholePrompt);
    const answers = [];
    for (const positions of [1, 57, 198]) {
      await rows.prefill(1, promptOf(150, 29), CAPACITY);
      rows.copy(0, 1, positions);
      answers.push(await rows.prefill(1, ids, 31, positions));
    }
    expect(answers).toEqual([wholePrompt, wholePrompt, wholePrompt]);
  });
});
