import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Row } from './experiment.ts';
import { cacheExperiment, encodeExperiment } from './experiments/pictures.ts';
import { boundsExperiment, routingExperiment, slotsExperiment } from './experiments/routing.ts';
import { decoderScalingExperiment, visionScalingExperiment } from './experiments/scaling.ts';
import { drawChart } from './svg-chart.ts';

const EXPERIMENTS = [
  routingExperiment,
  slotsExperiment,
  boundsExperiment,
  cacheExperiment,
  encodeExperiment,
  decoderScalingExperiment,
  visionScalingExperiment,
];

/** A Markdown table of all columns that any row has. */
const formatTable = (rows: readonly Row[]): string => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((name) => row[name] ?? ''))),
  ].join('\n');
};

const { values: options } = parseArgs({ options: { only: { type: 'string' } } });
const names = options.only?.split(',') ?? EXPERIMENTS.map(({ name }) => name);
const unknown = names.filter((name) => !EXPERIMENTS.some((experiment) => experiment.name === name));
if (unknown.length > 0) {
  console.error(
    `node test/sim/src/main.ts [--only NAME,NAME]\nNames: ${EXPERIMENTS.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
await mkdir(fromRoot('test/sim/results'), { recursive: true });
for (const { name, title, run } of EXPERIMENTS.filter((experiment) => names.includes(experiment.name))) {
  const begunMs = performance.now();
  const { rows, chart } = run();
  console.log(`## ${title}, ${((performance.now() - begunMs) / 1000).toFixed(0)} s\n\n${formatTable(rows)}\n`);
  await writeFile(fromRoot(`test/sim/results/${name}.json`), `${JSON.stringify({ title, rows }, undefined, 1)}\n`);
  await writeFile(fromRoot(`docs/images/sim-${name}.svg`), drawChart(chart));
}
