import type { Chart } from './svg-chart.ts';
import { type Outcome, percentile } from './tally.ts';

/** A question, and the answer of simulations. */
export interface Experiment {
  /** Name of its files. */
  readonly name: string;
  readonly title: string;
  readonly run: () => Finding;
}

/** Columns and rows of a table, and its picture. */
interface Finding {
  readonly rows: readonly Row[];
  readonly chart: Chart;
}

/** One simulation: what was set, and what came of it. */
export type Row = Readonly<Record<string, string | number>>;

/** A wait for the first token that people notice, in milliseconds: the share of turns that take longer is what autoscaling is judged by. */
const SLOW_MS = 1000;

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The figures of an outcome that all tables have. */
export const figuresOf = (outcome: Outcome): Readonly<Record<string, number>> => {
  const { firstTokenMs, firstTokenWithEncodeMs, pictureTurns, encoded } = outcome;
  const slow = firstTokenMs.reduce((count, ms) => count + (ms > SLOW_MS ? 1 : 0), 0) / firstTokenMs.length;
  return {
    turns: firstTokenMs.length,
    'first token p50, ms': rounded(percentile(firstTokenMs, 0.5), 0),
    'p95, ms': rounded(percentile(firstTokenMs, 0.95), 0),
    'p99, ms': rounded(percentile(firstTokenMs, 0.99), 0),
    'with encode p95, ms': rounded(percentile(firstTokenWithEncodeMs, 0.95), 0),
    'over 1 s, %': rounded(100 * slow, 2),
    'warm turns, %': rounded(100 * outcome.warmTurns, 1),
    'positions reused, %': rounded(100 * outcome.reusedPositions, 1),
    'embedding hits, %': rounded(100 * outcome.embeddingHits, 1),
    'encodes avoided, %': rounded(100 * (1 - encoded / pictureTurns), 1),
    'pictures/run': rounded(outcome.picturesPerRun, 2),
    'decoder pod-hours': rounded(outcome.decoderHours, 2),
    'vision pod-hours': rounded(outcome.visionHours, 2),
    'most decoders': outcome.mostDecoders,
    'most vision pods': outcome.mostVisionPods,
  };
};

/** The rows' values of one column against another, a line for each value of a third. */
export const linesOf = (rows: readonly Row[], x: string, y: string, by: (row: Row) => string): Chart['lines'] =>
  [...Map.groupBy(rows, by)].map(([name, group]) => ({
    name,
    points: group.map((row) => [Number(row[x]), Number(row[y])] as const),
  }));
