import type { SamplingOptions, TokenMask } from '@eidetic/core';
import { type Adjustment, isAllowed } from './adjusted-logits.ts';
import type { StepScores } from './sampler.ts';

/** A token and its logit. */
export interface Token {
  readonly id: number;
  readonly logit: number;
}

/**
 * The likeliest tokens of a distribution, likeliest first. A weight is exp((logit - largest logit) / temperature): a probability
 * up to a factor, 1 for the likeliest.
 */
export interface Ranking {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
  /** Sums of the weights up to and with each. */
  readonly cumulative: readonly number[];
  /** No token beside these weighs more; 0 when there are no others. */
  readonly rest: number;
  /** Bounds of the sum over all tokens. */
  readonly least: number;
  readonly most: number;
}

/**
 * Relative error of the graph's normaliser: half a unit of float32 for each addition that one lane of a reduction of 152 k
 * numbers may do. Its true error is far smaller; a bound that is too wide costs a look at the row now and then.
 */
const SUM_ERROR = 1e-3;

/** Unit in the last place of float32, relative: what logits and normaliser are rounded to after division by the temperature. */
const FLOAT32_ERROR = 2 ** -22;

/** Exponent below which a token's weight is not computed: all 152 k together would add less than 1e-12. */
const NEGLIGIBLE = -40;

/** How far below the threshold of min-p a row is still listed, so that rounding here and there makes no difference. */
const MARGIN = 1e-6;

/**
 * The tokens that are certain to lead: of those that the graph lists and those that `adjustment` touches, what exceeds the last
 * listed logit, since no other token does. In no order.
 *
 * @returns `floor`: logit that no other token exceeds, -Infinity when there are no others.
 */
export function leadingTokens(
  { topValues, topIds, vocab }: StepScores,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
): { readonly tokens: Token[]; readonly floor: number } {
  const listsAll = topValues.length >= vocab;
  const floor = listsAll ? Number.NEGATIVE_INFINITY : (topValues.at(-1) ?? Number.POSITIVE_INFINITY);
  const tokens: Token[] = [];
  for (const [i, logit] of topValues.entries()) {
    const id = Number(topIds[i]);
    // Ties with the floor are in the order of ids, as the graph lists them, unless adjusted logits come in between.
    if (logit === Number.NEGATIVE_INFINITY || (adjustment !== undefined && logit === floor)) break;
    if (isAllowed(mask, id) && !adjustment?.touches(id)) tokens.push({ id, logit });
  }
  adjustment?.logits.forEach((logit, i) => {
    const id = adjustment.ids[i] ?? -1;
    if (logit > floor && isAllowed(mask, id)) tokens.push({ id, logit });
  });
  return { tokens, floor };
}

/** The leading tokens ranked, and what is known of the sum over all; `undefined` when none leads for certain. */
export function rankLeading(
  scores: StepScores,
  temperature: number,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
): Ranking | undefined {
  const { tokens, floor } = leadingTokens(scores, adjustment, mask);
  if (tokens.length === 0) return undefined;
  const ranked = rank(tokens, temperature);
  const rest = Math.exp((floor - ranked.largest) / temperature);
  const known = knownMass(scores, temperature, adjustment, mask, ranked.largest);
  // What is neither listed nor touched is left of the graph's sum. A mask may let all of it through, or nothing.
  const error = SUM_ERROR + Math.abs(scores.logNormalizer) * FLOAT32_ERROR;
  const scale = rest === 0 ? 0 : Math.exp(scores.logNormalizer - ranked.largest / temperature);
  const unknown = (sign: number): number => scale * Math.max(0, 1 - known.share + sign * error);
  const least = known.allowed + (mask === undefined ? unknown(-1) : 0);
  return { ...ranked, rest, least, most: known.allowed + unknown(1) };
}

/** What the listed and the touched tokens weigh: as adjusted and allowed, and as a share of the graph's sum before that. */
function knownMass(
  scores: StepScores,
  temperature: number,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
  largest: number,
): { readonly allowed: number; readonly share: number } {
  const { topValues, topIds, logNormalizer } = scores;
  let allowed = 0;
  let share = 0;
  const add = (id: number, before: number, after: number): void => {
    const exponent = before / temperature - logNormalizer;
    if (exponent > NEGLIGIBLE) share += Math.exp(exponent);
    const adjusted = (after - largest) / temperature;
    if (adjusted > NEGLIGIBLE && isAllowed(mask, id)) allowed += Math.exp(adjusted);
  };
  for (const [i, logit] of topValues.entries()) {
    const id = Number(topIds[i]);
    if (!adjustment?.touches(id)) add(id, logit, logit);
  }
  adjustment?.logits.forEach((logit, i) => {
    const id = adjustment.ids[i] ?? -1;
    add(id, scores.logits[id] ?? Number.NEGATIVE_INFINITY, logit);
  });
  return { allowed, share };
}

/**
 * As much of a whole row as drawing needs; `undefined` when every logit is -Infinity. What cannot matter is left out before sorting.
 *
 * @param reach share of the probability that the tokens to choose from make up
 */
export function rankRow(
  row: Float32Array,
  { temperature, topK, minP }: Pick<SamplingOptions, 'temperature' | 'topK' | 'minP'>,
  reach: number,
): Ranking | undefined {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of row) if (logit > largest) largest = logit;
  if (largest === Number.NEGATIVE_INFINITY) return undefined;
  if (topK > 0) {
    const ranked = rank(likeliestOf(row, topK), temperature);
    const total = ranked.cumulative.at(-1) ?? 0;
    return { ...ranked, rest: 0, least: total, most: total };
  }
  let total = 0;
  for (const logit of row) total += Math.exp((logit - largest) / temperature);
  // All tokens less likely than (1 - reach) / n, together, do not make up what may be missing.
  const weight = Math.max((total * (1 - reach)) / row.length, minP * (1 - MARGIN));
  const least = largest + temperature * Math.log(weight);
  const { ids, floor } = idsFrom(row, least);
  const logits = ids.map((id) => row[id] ?? Number.NEGATIVE_INFINITY);
  const rest = Math.exp((floor - largest) / temperature);
  return { ...weigh(ids, logits, temperature), rest, least: total, most: total };
}

/** The `count` likeliest tokens of a row, likeliest first, the lower id first on ties; never one of -Infinity. */
export function likeliestOf(row: Float32Array, count: number): readonly Token[] {
  const least = row.toSorted().at(-count) ?? Number.NEGATIVE_INFINITY;
  return idsFrom(row, least)
    .ids.slice(0, count)
    .map((id) => ({ id, logit: row[id] ?? Number.NEGATIVE_INFINITY }));
}

/** Above every token id; with 32 bits of a logit, ids below still fit the 53 bits of a whole number. */
const ID_RANGE = 2 ** 21;

/**
 * Tokens with a logit of at least `least`, likeliest first, the lower id first on ties, and the largest logit below; never one of
 * -Infinity. Logit and id are sorted as one number: with a comparison function a flat row of 152 k takes 90 ms, not 30.
 */
function idsFrom(row: Float32Array, least: number): { readonly ids: readonly number[]; readonly floor: number } {
  const bits = new Int32Array(row.buffer, row.byteOffset, row.length);
  const keys = new Float64Array(row.length);
  let count = 0;
  let floor = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < row.length; id++) {
    const logit = row[id] ?? Number.NEGATIVE_INFINITY;
    if (logit >= least && logit !== Number.NEGATIVE_INFINITY) {
      keys[count] = id - orderOf(bits[id] ?? 0) * ID_RANGE;
      count += 1;
    } else if (logit > floor) floor = logit;
  }
  const sorted = keys.subarray(0, count).sort();
  return { ids: Array.from(sorted, (key) => key - Math.floor(key / ID_RANGE) * ID_RANGE), floor };
}

/** A whole number that grows with the float32 of these bits: the bits themselves, those of negative numbers turned round. */
function orderOf(bits: number): number {
  if (bits >= 0) return bits;
  // -0 is 0.
  return bits === -(2 ** 31) ? 0 : bits ^ 0x7fffffff;
}

function rank(tokens: readonly Token[], temperature: number) {
  const sorted = tokens.toSorted((a, b) => b.logit - a.logit || a.id - b.id);
  return weigh(
    sorted.map(({ id }) => id),
    sorted.map(({ logit }) => logit),
    temperature,
  );
}

/** `logits`: those of `ids`, largest first. */
function weigh(ids: readonly number[], logits: readonly number[], temperature: number) {
  const largest = logits[0] ?? 0;
  const weights = logits.map((logit) => Math.exp((logit - largest) / temperature));
  let sum = 0;
  const cumulative = weights.map((weight) => {
    sum += weight;
    return sum;
  });
  return { ids, weights, cumulative, largest };
}
