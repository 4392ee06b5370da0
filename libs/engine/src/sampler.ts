import { EideticError, type SamplingOptions, type TokenLogprob, type TokenMask } from '@eidetic/core';
import { type Adjustment, adjustedRow, adjustmentOf } from './adjusted-logits.ts';
import { uniform } from './random.ts';
import { leadingTokens, likeliestOf, type Ranking, rankLeading, rankRow } from './ranking.ts';
import type { TokenCounts } from './token-counts.ts';

/** What the graph computed for the last position of one sequence. */
export interface StepScores {
  /** Logits of the likeliest tokens, largest first, the lower id first on ties. */
  readonly topValues: Float32Array;
  readonly topIds: BigInt64Array;
  /** Log of the sum of exp(logit / temperature) over the whole vocabulary; at temperature 1 for a request at 0. */
  readonly logNormalizer: number;
  /** Number of logits. */
  readonly vocab: number;
  /** All logits: read only where the likeliest ones do not suffice, since on a GPU that is what fetches them. */
  readonly logits: Float32Array;
}

/** What the choice of a token depends on besides its scores. */
export interface SamplingContext {
  /** Ids that the sequence has: penalties apply to them. */
  readonly counts: TokenCounts;
  /** Index of the token to be chosen, which the random number depends on. */
  readonly position: number;
  /** Tokens that a grammar allows; absent: all. */
  readonly allowed?: TokenMask;
}

/** Temperatures below are greedy: scores that differ by a ten-thousandth are e^10 apart, and tinier ones overflow. */
const GREEDY_BELOW = 1e-5;

/**
 * Chooses the next token. Of the allowed tokens; repetition penalty, presence and frequency penalty, bias; then temperature,
 * top-k, top-p and min-p, in the order and with the meaning of Hugging Face transformers, except that top-k keeps no more than k
 * tokens on ties. What is kept is drawn from in proportion. Greedy takes the likeliest, the lowest id on ties.
 *
 * The result is that of the whole distribution; the likeliest tokens of the graph are only a way not to look at all of it.
 *
 * @throws EideticError `inference_failed` when no token is left to choose.
 */
export function sample(scores: StepScores, options: SamplingOptions, context: SamplingContext): number {
  const adjustment = adjustmentOf(scores, options, context.counts);
  const { allowed, position } = context;
  if (options.temperature < GREEDY_BELOW) return likeliest(scores, adjustment, allowed);
  const u = uniform(options.seed, position);
  const leading = rankLeading(scores, options.temperature, adjustment, allowed);
  const drawn = leading && drawForCertain(firstOf(leading, options.topK), options, u);
  if (drawn !== undefined) return drawn;
  const ranking = rankRow(adjustedRow(scores.logits, adjustment, allowed), options, reachOf(options, u));
  if (ranking === undefined) throw nothingLeft();
  // Rounding may leave the sum of all a last bit short of what is reached for.
  return draw(ranking, ranking.most, options, u) ?? ranking.ids.at(-1) ?? 0;
}

/**
 * Log probabilities of a token and of the `top` likeliest ones, at temperature 1 and before penalties, bias and grammar.
 *
 * @param temperature that `scores.logNormalizer` was computed for
 */
export function logprobsOf(
  scores: StepScores,
  id: number,
  top: number,
  temperature: number,
): { readonly logprob: number; readonly top: readonly TokenLogprob[] } {
  const { topIds, topValues } = scores;
  const logSum = temperature === 0 || temperature === 1 ? scores.logNormalizer : logSumExp(scores.logits);
  const likeliestTokens =
    top <= topValues.length
      ? Array.from(topValues.subarray(0, top), (logit, i) => ({ id: Number(topIds[i]), logit }))
      : likeliestOf(scores.logits, top);
  const listed = topIds.indexOf(BigInt(id));
  const logit = listed >= 0 ? topValues[listed] : scores.logits[id];
  return {
    logprob: (logit ?? Number.NEGATIVE_INFINITY) - logSum,
    top: likeliestTokens
      .filter(({ logit }) => logit !== Number.NEGATIVE_INFINITY)
      .map((token) => ({ id: token.id, logprob: token.logit - logSum })),
  };
}

function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

function likeliest(scores: StepScores, adjustment: Adjustment | undefined, mask: TokenMask | undefined): number {
  if (adjustment === undefined && mask === undefined) return Number(scores.topIds[0]);
  let best = { id: -1, logit: Number.NEGATIVE_INFINITY };
  for (const token of leadingTokens(scores, adjustment, mask).tokens) {
    if (token.logit > best.logit || (token.logit === best.logit && token.id < best.id)) best = token;
  }
  if (best.id >= 0) return best.id;
  for (const [id, logit] of adjustedRow(scores.logits, adjustment, mask).entries()) {
    if (logit > best.logit) best = { id, logit };
  }
  if (best.id < 0) throw nothingLeft();
  return best.id;
}

const nothingLeft = (): EideticError =>
  new EideticError('inference_failed', 'No token can come next: the grammar or the model rules every one out.');

/** Share of the probability, from the likeliest on, that has to be looked at. */
function reachOf({ topP, minP }: SamplingOptions, u: number): number {
  if (topP < 1) return topP;
  // Where everything is kept, only the tokens up to the one at `u` matter.
  return minP > 0 ? 1 : u;
}

/** The `topK` first of a ranking, all others gone; 0 keeps it. */
function firstOf(ranking: Ranking, topK: number): Ranking {
  if (topK === 0) return ranking;
  const kept = ranking.ids.length >= topK ? cut(ranking, topK) : ranking;
  const known = kept.cumulative.at(-1) ?? 0;
  // Those that belong to the first but are not listed weigh at most `rest` each.
  const most = Math.min(kept.most, known + (topK - kept.ids.length) * kept.rest);
  return { ...kept, least: known, most };
}

const cut = (ranking: Ranking, count: number): Ranking => ({
  ...ranking,
  ids: ranking.ids.slice(0, count),
  weights: ranking.weights.slice(0, count),
  cumulative: ranking.cumulative.slice(0, count),
  rest: 0,
});

/** What is drawn whatever the sum over all is, within its bounds; `undefined` when that depends on it. */
function drawForCertain(ranking: Ranking, options: SamplingOptions, u: number): number | undefined {
  // The token's rank never falls as the sum grows: what both ends agree on holds in between.
  const drawn = draw(ranking, ranking.least, options, u);
  return drawn === draw(ranking, ranking.most, options, u) ? drawn : undefined;
}

/**
 * Draws by inverse transform: `u` in [0, 1) picks a point of the kept weights, the likeliest first. `undefined` when the point may
 * lie beyond the ranked tokens.
 *
 * @param total sum of the weights of all tokens
 */
function draw(ranking: Ranking, total: number, { topP, minP }: SamplingOptions, u: number): number | undefined {
  const { ids, weights, cumulative, rest } = ranking;
  let kept = ids.length;
  let isWhole = rest === 0 || rest < minP;
  // The token that crosses top-p is kept.
  const crossing = topP < 1 ? cumulative.findIndex((sum) => sum >= topP * total) : -1;
  if (crossing >= 0) {
    kept = crossing + 1;
    isWhole = true;
  }
  while ((weights[kept - 1] ?? 1) < minP) {
    kept -= 1;
    isWhole = true;
  }
  const last = kept - 1;
  if (!isWhole && (topP < 1 || minP > 0)) return undefined;
  const point = u * (isWhole ? (cumulative[last] ?? 0) : total);
  const at = cumulative.findIndex((sum) => sum > point);
  if (at >= 0 && at <= last) return ids[at];
  return isWhole ? ids[last] : undefined;
}
