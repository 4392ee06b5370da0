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
  if (options.temperature === 0) return penalized ? argmax(penalized) : Number(scores.topIds[0]);
  const kept = keep(scores, options, penalized);
  return draw(kept, uniform(options.seed, position));
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

/** The candidates that top-k and top-p leave, likeliest first. */
function keep(scores: StepScores, options: SamplingOptions, penalized: Float32Array | undefined): Candidate[] {
  const { temperature, topK, topP } = options;
  if (!penalized) {
    const listed = Array.from(scores.topValues, (value, i) => ({
      id: Number(scores.topIds[i]),
      score: value / temperature,
    }));
    if (topK > 0 && topK <= listed.length) return nucleus(listed.slice(0, topK), topP, logSum(listed.slice(0, topK)));
    // Without top-k the nucleus is cut by true probabilities, which the graph's normaliser gives.
    if (topK === 0) {
      const mass = listed.reduce((sum, { score }) => sum + Math.exp(score - scores.logNormalizer), 0);
      if (mass >= topP) return nucleus(listed, topP, scores.logNormalizer);
    }
  }
  const logits = penalized ?? scores.logits;
  const all = Array.from(logits, (logit, id) => ({ id, score: logit / temperature }))
    .filter(({ score }) => score !== Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.score - a.score || a.id - b.id);
  const first = topK > 0 ? all.slice(0, topK) : all;
  return nucleus(first, topP, logSum(first));
}

function logSum(candidates: readonly Candidate[]): number {
  const largest = candidates[0]?.score ?? 0;
  return largest + Math.log(candidates.reduce((sum, { score }) => sum + Math.exp(score - largest), 0));
}

/** The smallest leading set whose probability reaches `topP`; the token that crosses it is in. */
function nucleus(candidates: readonly Candidate[], topP: number, logNormalizer: number): Candidate[] {
  const kept: Candidate[] = [];
  let mass = 0;
  for (const candidate of candidates) {
    kept.push(candidate);
    mass += Math.exp(candidate.score - logNormalizer);
    if (mass >= topP) break;
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
