import { EideticError } from '@eidetic/core';
import { type Metric, mean } from './metric.ts';

const LONGEST_NGRAM = 4;
/** Standard deviation, in words, of the penalty on other lengths. */
const SIGMA = 6;
/** The paper's scale of CIDEr-D, and the percentage in which results are told. */
const SCALE = 10 * 100;

/** Weights of n-grams of one length, with their Euclidean norm. */
interface NgramVector {
  readonly weights: ReadonlyMap<string, number>;
  readonly norm: number;
}

interface CaptionVector {
  /** By length of the n-grams, from 1. */
  readonly byLength: readonly NgramVector[];
  /** In words. */
  readonly length: number;
}

/** Cuts a text into the words that are compared. */
export type TokeniseCaption = (text: string) => readonly string[];

/**
 * CIDEr-D (Vedantam, Zitnick and Parikh, 2015) times 100, as pycocoevalcap computes it: cosine of TF-IDF weighted n-grams up
 * to 4, the candidate's counts clipped, times a Gaussian penalty on the difference of lengths. Document frequencies are those
 * of the references of all items, so that a score belongs to its whole set: one item alone scores 0.
 *
 * @throws EideticError `invalid_request` when an item has no references.
 */
export function cider(tokenise: TokeniseCaption): Metric<readonly string[]> {
  return (items) => {
    const without = items.findIndex(({ wanted }) => wanted.length === 0);
    if (without >= 0)
      throw new EideticError('invalid_request', `The caption at position ${without} has no references.`);
    const counted = items.map(({ output, wanted }) => ({
      candidate: countNgrams(tokenise(output)),
      references: wanted.map((reference) => countNgrams(tokenise(reference))),
    }));
    const idf = inverseDocumentFrequency(counted.map(({ references }) => references));
    const perItem = counted.map(({ candidate, references }) => {
      const vector = weigh(candidate, idf);
      return SCALE * mean(references.map((reference) => similarity(vector, weigh(reference, idf))));
    });
    return { score: mean(perItem), perItem };
  };
}

type NgramCounts = readonly ReadonlyMap<string, number>[];

function countNgrams(words: readonly string[]): NgramCounts {
  return Array.from({ length: LONGEST_NGRAM }, (_, index) => {
    const counts = new Map<string, number>();
    for (let start = 0; start + index < words.length; start++) {
      const ngram = words.slice(start, start + index + 1).join(' ');
      counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
    }
    return counts;
  });
}

/** Of an n-gram: log of all items over those with a reference that has it. */
function inverseDocumentFrequency(documents: readonly (readonly NgramCounts[])[]): (ngram: string) => number {
  const frequency = new Map<string, number>();
  for (const references of documents) {
    const ngrams = new Set(references.flatMap((reference) => reference.flatMap((counts) => [...counts.keys()])));
    for (const ngram of ngrams) frequency.set(ngram, (frequency.get(ngram) ?? 0) + 1);
  }
  const all = Math.log(documents.length);
  return (ngram) => all - Math.log(frequency.get(ngram) ?? 1);
}

function weigh(counts: NgramCounts, idf: (ngram: string) => number): CaptionVector {
  const byLength = counts.map((ngrams) => {
    const weights = new Map(Array.from(ngrams, ([ngram, count]) => [ngram, count * idf(ngram)]));
    return { weights, norm: Math.hypot(...weights.values()) };
  });
  return { byLength, length: counts[0]?.values().reduce((sum, count) => sum + count, 0) ?? 0 };
}

function similarity(candidate: CaptionVector, reference: CaptionVector): number {
  const penalty = Math.exp(-((candidate.length - reference.length) ** 2) / (2 * SIGMA ** 2));
  const cosines = candidate.byLength.map((vector, index) => clippedCosine(vector, reference.byLength[index]));
  return penalty * mean(cosines);
}

function clippedCosine(candidate: NgramVector, reference: NgramVector | undefined): number {
  if (reference === undefined || candidate.norm === 0 || reference.norm === 0) return 0;
  let product = 0;
  for (const [ngram, weight] of candidate.weights) {
    const wanted = reference.weights.get(ngram) ?? 0;
    product += Math.min(weight, wanted) * wanted;
  }
  return product / (candidate.norm * reference.norm);
}
