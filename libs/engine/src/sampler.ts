import type { SamplingOptions } from '@eidetic/core';
import { uniform } from './random.ts';

/** What the graph computed for the last position of one sequence. */
export interface StepScores {
  /** Logits of the likeliest tokens, largest first. */
  readonly topValues: Float32Array;
  readonly topIds: BigInt64Array;
  /** Log of the sum of exp(logit / temperature) over the whole vocabulary. */
  readonly logNormalizer: number;
  /** All logits: read only where the likeliest ones do not suffice. */
  readonly logits: Float32Array;
}

/** A token and its logit divided by the temperature. */
interface Candidate {
  readonly id: number;
  readonly score: number;
}

/** The likeliest candidates, likeliest first, and the log of the sum of exp(score) over all that are to be drawn from. */
interface Candidates {
  readonly listed: readonly Candidate[];
  readonly logNormalizer: number;
}

/** Temperatures below are greedy: scores that differ by a ten-thousandth are e^10 apart, and tinier ones overflow. */
const GREEDY_BELOW = 1e-5;

/**
 * Chooses the next token: repetition penalty, temperature, top-k, top-p, in the order of Hugging Face transformers. The result
 * is that of the whole distribution; the likeliest tokens of the graph are only a way not to look at all of it.
 *
 * @param seen ids that the repetition penalty applies to
 * @param position index of the token to be chosen, which the random number depends on
 */
export function sample(
  scores: StepScores,
  options: SamplingOptions,
  seen: () => Iterable<number>,
  position: number,
): number {
  const penalized =
    options.repetitionPenalty === 1 ? undefined : penalize(scores.logits, options.repetitionPenalty, seen());
  if (options.temperature < GREEDY_BELOW) return penalized ? argmax(penalized) : Number(scores.topIds[0]);
  const u = uniform(options.seed, position);
  // Where everything is kept, only the tokens up to the one at `u` matter.
  const reach = options.topP === 1 ? u : options.topP;
  const kept = nucleus(penalized ? likeliestOf(penalized, options, reach) : likeliest(scores, options, reach), reach);
  return options.topP === 1 ? (kept.at(-1)?.id ?? 0) : draw(kept, u);
}

function penalize(logits: Float32Array, penalty: number, seen: Iterable<number>): Float32Array {
  const out = logits.slice();
  for (const id of new Set(seen)) {
    const logit = out[id] ?? 0;
    out[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return out;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if ((logits[id] ?? 0) > (logits[best] ?? 0)) best = id;
  return best;
}

/** The likeliest tokens up to a probability of at least `reach`, from what the graph lists where that suffices. */
function likeliest(scores: StepScores, options: SamplingOptions, reach: number): Candidates {
  const { temperature, topK } = options;
  const listed = Array.from(scores.topValues, (value, i) => ({
    id: Number(scores.topIds[i]),
    score: value / temperature,
  }));
  if (topK > 0 && topK <= listed.length) return normalized(listed.slice(0, topK));
  // Without top-k the nucleus is cut by true probabilities, which the graph's normaliser gives.
  const { logNormalizer } = scores;
  const mass = listed.reduce((sum, { score }) => sum + Math.exp(score - logNormalizer), 0);
  if (topK === 0 && mass >= reach) return { listed, logNormalizer };
  return likeliestOf(scores.logits, options, reach);
}

/** The same from all logits. What cannot be among them is left out before sorting, which takes 0.2 s for 152 k tokens. */
function likeliestOf(logits: Float32Array, { temperature, topK }: SamplingOptions, reach: number): Candidates {
  if (topK > 0) {
    const least = logits.toSorted().at(-topK) ?? Number.NEGATIVE_INFINITY;
    return normalized(candidatesFrom(logits, least, temperature).slice(0, topK));
  }
  const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp((logit - largest) / temperature), 0);
  const logNormalizer = largest / temperature + Math.log(sum);
  // All tokens less likely than (1 - reach) / n, together, do not make up what may be missing.
  const least = temperature * (logNormalizer + Math.log((1 - reach) / logits.length));
  return { listed: candidatesFrom(logits, least, temperature), logNormalizer };
}

/** The tokens with a logit of at least `least`, likeliest first; never one that is masked. */
function candidatesFrom(logits: Float32Array, least: number, temperature: number): Candidate[] {
  const candidates: Candidate[] = [];
  for (const [id, logit] of logits.entries()) {
    if (logit >= least && logit !== Number.NEGATIVE_INFINITY) candidates.push({ id, score: logit / temperature });
  }
  return candidates.sort((a, b) => b.score - a.score || a.id - b.id);
}

/** Candidates beside which there are no others. */
function normalized(listed: readonly Candidate[]): Candidates {
  const largest = listed[0]?.score ?? 0;
  const sum = listed.reduce((total, { score }) => total + Math.exp(score - largest), 0);
  return { listed, logNormalizer: largest + Math.log(sum) };
}

/** The smallest leading set whose probability reaches `reach`; the token that crosses it is in. */
function nucleus({ listed, logNormalizer }: Candidates, reach: number): Candidate[] {
  const kept: Candidate[] = [];
  let mass = 0;
  for (const candidate of listed) {
    kept.push(candidate);
    mass += Math.exp(candidate.score - logNormalizer);
    if (mass >= reach) break;
  }
  return kept;
}

/** Draws by inverse transform: `u` in [0, 1) picks a point of the kept probability. */
function draw(kept: readonly Candidate[], u: number): number {
  const largest = kept[0]?.score ?? 0;
  const weights = kept.map(({ score }) => Math.exp(score - largest));
  let rest = u * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, { id }] of kept.entries()) {
    rest -= weights[i] ?? 0;
    if (rest < 0) return id;
  }
  return kept.at(-1)?.id ?? 0;
}
