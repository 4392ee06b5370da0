import type { Scenario } from './scenario.ts';
import type { Turn } from './turn.ts';

/** What came of a scenario. */
export interface Outcome {
  /** To the first token, in milliseconds, of each turn that counts, sorted. */
  readonly firstTokenMs: Float64Array;
  /** Of those whose picture had to be encoded. */
  readonly firstTokenWithEncodeMs: Float64Array;
  readonly arrived: number;
  readonly ended: number;
  /** Turns about pictures; all of them would have a picture encoded if there were no cache. */
  readonly pictureTurns: number;
  readonly encoded: number;
  readonly picturesPerRun: number;
  /** Share of turns about a picture whose embedding was there. */
  readonly embeddingHits: number;
  /** Share of second and later turns that found all of the last prompt. */
  readonly warmTurns: number;
  /** Share of prompt positions that were computed before. */
  readonly reusedPositions: number;
  readonly decoderHours: number;
  readonly visionHours: number;
  readonly mostDecoders: number;
  readonly mostVisionPods: number;
}

/** Counts what happens after the warm-up. */
export class Tally {
  readonly #scenario: Scenario;
  readonly #first: number[] = [];
  readonly #firstWithEncode: number[] = [];
  readonly #encodedFor = new WeakSet<Turn>();
  readonly #sums = { lookups: 0, hits: 0, later: 0, warm: 0, prompt: 0, reused: 0 };
  arrived = 0;
  ended = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  lookedUp(turn: Turn, wasHit: boolean): void {
    if (!wasHit) this.#encodedFor.add(turn);
    if (!this.#counts(turn)) return;
    this.#sums.lookups++;
    if (wasHit) this.#sums.hits++;
  }

  /** The first token of a turn is there; `lastPrompt` are the positions of the turn before. */
  began(turn: Turn, lastPrompt: number, nowMs: number): void {
    if (!this.#counts(turn)) return;
    const tookMs = nowMs - turn.arrivedMs + this.#scenario.times.overheadMs;
    this.#first.push(tookMs);
    if (this.#encodedFor.has(turn)) this.#firstWithEncode.push(tookMs);
    this.#sums.prompt += turn.promptTokens;
    this.#sums.reused += turn.reused;
    if (turn.index === 0) return;
    this.#sums.later++;
    if (turn.reused >= lastPrompt) this.#sums.warm++;
  }

  outcome(
    rest: Pick<
      Outcome,
      'encoded' | 'picturesPerRun' | 'decoderHours' | 'visionHours' | 'mostDecoders' | 'mostVisionPods'
    >,
  ): Outcome {
    const { lookups, hits, later, warm, prompt, reused } = this.#sums;
    return {
      firstTokenMs: Float64Array.from(this.#first).sort(),
      firstTokenWithEncodeMs: Float64Array.from(this.#firstWithEncode).sort(),
      arrived: this.arrived,
      ended: this.ended,
      pictureTurns: lookups,
      embeddingHits: hits / lookups,
      warmTurns: warm / later,
      reusedPositions: reused / prompt,
      ...rest,
    };
  }

  #counts({ arrivedMs }: Turn): boolean {
    return arrivedMs >= this.#scenario.warmUpMs;
  }
}

/** The value that a share of sorted values does not exceed. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
