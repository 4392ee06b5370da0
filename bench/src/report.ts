import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { type Spread, spread } from './statistics.ts';

/** The contender that the others are compared with. */
export const OURS = 'eidetic';

/** One figure of one contender, once a round. Contenders take turns, so equal rounds ran under like conditions. */
export interface Measurement {
  readonly contender: string;
  /** What was measured, unit included. */
  readonly metric: string;
  readonly better: 'lower' | 'higher';
  readonly samples: readonly number[];
}

/** What a suite found. */
export interface SuiteResult {
  /** Name of the file in `bench/results`. */
  readonly name: string;
  readonly title: string;
  /** What is needed to judge the figures. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly measurements: readonly Measurement[];
}

/** How many times better than `theirs` ours is, round by round. */
export function ratios(ours: Measurement, theirs: Measurement): Spread {
  return spread(
    ours.samples.map((value, round) => {
      const other = theirs.samples[round] ?? Number.NaN;
      return ours.better === 'lower' ? other / value : value / other;
    }),
  );
}

/** A Markdown table: a row for each contender and metric, and how many times better ours is. */
export function formatTable({ title, facts, measurements }: SuiteResult): string {
  const rows = measurements.map((measurement) => {
    const { min, median, max, rounds } = spread(measurement.samples);
    const ours = measurements.find(({ contender, metric }) => contender === OURS && metric === measurement.metric);
    const ratio = ours && ours !== measurement ? ratios(ours, measurement) : undefined;
    const compared = ratio ? `${figure(ratio.median)}x (${figure(ratio.min)} to ${figure(ratio.max)})` : '';
    const cells = [measurement.metric, measurement.contender, figure(median), `${figure(min)} to ${figure(max)}`];
    return `| ${[...cells, rounds, compared].join(' | ')} |`;
  });
  return [
    `## ${title}`,
    '',
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${typeof value === 'number' ? figure(value) : value}`),
    '',
    `| | | median | spread | rounds | ${OURS} is better by |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Writes `<name>.json`: environment, facts, every sample, the spreads and the ratios. */
export async function writeResult(directory: string, environment: Environment, result: SuiteResult): Promise<void> {
  const measurements = result.measurements.map((measurement) => {
    const ours = result.measurements.find((m) => m.contender === OURS && m.metric === measurement.metric);
    return {
      ...measurement,
      spread: spread(measurement.samples),
      ...(ours && ours !== measurement ? { oursIsBetterBy: ratios(ours, measurement) } : {}),
    };
  });
  await mkdir(directory, { recursive: true });
  const json = JSON.stringify({ ...result, environment, measurements }, undefined, 1);
  await writeFile(join(directory, `${result.name}.json`), `${json}\n`);
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
