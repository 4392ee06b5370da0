import { type Measurement, OURS, ratios, type SuiteResult } from './report.ts';
import { type Spread, spread } from './statistics.ts';

/** How many answers are generated at once. */
export const ANSWERS_AT_ONCE = [1, 2, 4, 8] as const;

/** The fact that shares of the streaming limit are computed with. */
export const STREAM_MS = 'time to stream the weights at that rate, ms';

const PEER = 'llama.cpp';
const TABLE = /^\| answers at once \|(?:.*\n)+?(?=\n)/m;

/** The metric of tokens a second, over all answers. */
export const decodeOf = (count: number): string => `decode of ${count}, tokens/s`;

/**
 * Measurements, each of tokens a second followed by two that its samples give: milliseconds from a token of an answer to the next one, and
 * for ours the share that the streaming of the weights has in that. A step reads them once, however many answers it continues.
 *
 * @param streamMs what it takes to read the weights once at the rate at which the memory copies
 */
export function withPaces(measurements: readonly Measurement[], streamMs: number): readonly Measurement[] {
  return measurements.flatMap((measured) => {
    const count = ANSWERS_AT_ONCE.find((each) => decodeOf(each) === measured.metric);
    if (count === undefined) return [measured];
    const pace: Measurement = {
      contender: measured.contender,
      metric: paceOf(count),
      better: 'lower',
      samples: measured.samples.map((tokensPerSecond) => (count * 1000) / tokensPerSecond),
    };
    const share: Measurement = {
      contender: OURS,
      metric: shareOf(count),
      better: 'higher',
      samples: pace.samples.map((ms) => streamMs / ms),
    };
    return measured.contender === OURS ? [measured, pace, share] : [measured, pace];
  });
}

const paceOf = (count: number): string => `decode of ${count}, ms per token of each`;
const shareOf = (count: number): string => `decode of ${count}, share of the streaming limit`;

/** A page with the table of answers at once as a result has it: the medians. */
export function withAnswersTable(page: string, { facts, measurements }: SuiteResult): string {
  const all = withPaces(measurements, Number(facts[STREAM_MS]));
  const ofEach = (contender: string, metricOf: (count: number) => string): readonly Measurement[] =>
    ANSWERS_AT_ONCE.map((count) => {
      const metric = metricOf(count);
      const found = all.find((each) => each.contender === contender && each.metric === metric);
      if (found) return found;
      throw new Error(`Nobody has measured "${metric}" of ${contender}.`);
    });
  const row = (name: string, spreads: readonly Spread[], digits: number, unit = ''): string =>
    `| ${[name, ...spreads.map(({ median }) => `${figure(median, digits)}${unit}`)].join(' | ')} |`;
  const spreadsOf = (metricOf: (count: number) => string): readonly Spread[] =>
    ofEach(OURS, metricOf).map(({ samples }) => spread(samples));
  const theirs = ofEach(PEER, decodeOf);
  const compared = ofEach(OURS, decodeOf).flatMap((ours, i) => (theirs[i] ? [ratios(ours, theirs[i])] : []));
  const table = [
    `| answers at once | ${ANSWERS_AT_ONCE.join(' | ')} |`,
    `| ---${' | ---'.repeat(ANSWERS_AT_ONCE.length)} |`,
    row('Eidetic, tokens/s', spreadsOf(decodeOf), 3),
    row('ms per token of each answer', spreadsOf(paceOf), 3),
    row('share of the streaming limit', spreadsOf(shareOf), 2),
    row('against llama.cpp, same widths, 2 threads', compared, 2, 'x'),
  ];
  return page.replace(TABLE, `${table.join('\n')}\n`);
}

const figure = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
