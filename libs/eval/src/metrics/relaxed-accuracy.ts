import { meanMetric } from './metric.ts';

const TOLERANCE = 0.05;

// What Python's float() reads, white space at the ends aside.
const NUMBER = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * Share of the outputs that ChartQA takes as right: numbers within 5 % of a wanted number, other text equal but for case
 * (Masry et al., 2022, section 5.1; rules of pix2struct's `relaxed_correctness`). `%` divides by 100; a number with a unit or
 * with separators of thousands is text; so is everything where 0 is wanted.
 */
export const relaxedAccuracy = meanMetric<readonly string[]>((output, wanted) =>
  Number(wanted.some((answer) => isClose(output.trim(), answer))),
);

function isClose(output: string, wanted: string): boolean {
  const given = toNumber(output);
  const target = toNumber(wanted);
  if (given === undefined || target === undefined || target === 0) return output.toLowerCase() === wanted.toLowerCase();
  return Math.abs(given - target) / Math.abs(target) <= TOLERANCE;
}

function toNumber(text: string): number | undefined {
  if (text.endsWith('%')) {
    const share = toNumber(text.replace(/%+$/, ''));
    return share === undefined ? undefined : share / 100;
  }
  const trimmed = text.trim();
  const infinite = INFINITE.exec(trimmed);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(trimmed)) return Number.NaN;
  return NUMBER.test(trimmed) ? Number(trimmed.replaceAll('_', '')) : undefined;
}
