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
  { topValues, topIds, logits }: StepScores,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
): { readonly tokens: Token[]; readonly floor: number } {
  const listsAll = topValues.length >= logits.length;
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
  { topValues, topIds, logits, logNormalizer }: StepScores,
  temperature: number,
  adjustment: Adjustment | undefined,
  mask: TokenMask | undefined,
  largest: number,
): { readonly allowed: number; readonly share: number } {
  let allowed = 0;
  let share = 0;
  const weigh = (id: number, before: number, after: number): void => {
    const exponent = before / temperature - logNormalizer;
    if (exponent > NEGLIGIBLE) share += Math.exp(exponent);
    const adjusted = (after - largest) / temperature;
    if (adjusted > NEGLIGIBLE && isAllowed(mask, id)) allowed += Math.exp(adjusted);
  };
  for (const [i, logit] of topValues.entries()) {
    const id = Number(topIds[i]);
    if (!adjustment?.touches(id)) weigh(id, logit, logit);
  }
  adjustment?.logits.forEach((logit, i) => {
    const id = adjustment.ids[i] ?? -1;
    weigh(id, logits[id] ?? Number.NEGATIVE_INFINITY, logit);
  });
  return { allowed, share };
}

/**
 * As much of a whole row as drawing needs; `undefined` when every logit is -Infinity. Sorting all takes 0.2 s for 152 k tokens:
 * what cannot matter is left out before.
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
  const { tokens, floor } = tokensFrom(row, least);
  return {
    ...rank(tokens, temperature),
    rest: Math.exp((floor - largest) / temperature),
    least: total,
    most: total,
  };
}

/** The `count` likeliest tokens of a row, likeliest first, the lower id first on ties; never one of -Infinity. */
export function likeliestOf(row: Float32Array, count: number): readonly Token[] {
  const least = row.toSorted().at(-count) ?? Number.NEGATIVE_INFINITY;
  return tokensFrom(row, least).tokens.sort(byLogit).slice(0, count);
}

/** Tokens with a logit of at least `least`, and the largest logit below; never one of -Infinity. */
function tokensFrom(row: Float32Array, least: number): { readonly tokens: Token[]; readonly floor: number } {
  const tokens: Token[] = [];
  let floor = Number.NEGATIVE_INFINITY;
  for (const [id, logit] of row.entries()) {
    if (logit === Number.NEGATIVE_INFINITY) continue;
    if (logit >= least) tokens.push({ id, logit });
    else if (logit > floor) floor = logit;
  }
  return { tokens, floor };
}

function rank(tokens: readonly Token[], temperature: number) {
  const sorted = tokens.toSorted(byLogit);
  const largest = sorted[0]?.logit ?? 0;
  const weights = sorted.map(({ logit }) => Math.exp((logit - largest) / temperature));
  let sum = 0;
  const cumulative = weights.map((weight) => (sum += weight));
  return { ids: sorted.map(({ id }) => id), weights, cumulative, largest };
}

const byLogit = (a: Token, b: Token): number => b.logit - a.logit || a.id - b.id;
