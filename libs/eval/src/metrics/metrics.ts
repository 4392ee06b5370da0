import { characterTokenise } from '../captions/character-tokenise.ts';
import { ptbTokenise } from '../captions/ptb-tokenise.ts';
import { anls } from './anls.ts';
import { boxAccuracy, type WantedBox } from './box-accuracy.ts';
import { cider } from './cider.ts';
import { exactMatch } from './exact-match.ts';
import { gqaAccuracy } from './gqa-accuracy.ts';
import type { Metric } from './metric.ts';
import { mmeScore, type WantedMme } from './mme-score.ts';
import { multipleChoice } from './multiple-choice.ts';
import { relaxedAccuracy } from './relaxed-accuracy.ts';
import { vqaAccuracy } from './vqa-accuracy.ts';

/** What each metric compares an answer with. */
export interface WantedBy {
  /** Captions of the picture, by people. */
  readonly cider: readonly string[];
  /** The same for languages without spaces, such as Chinese: single characters are the words. */
  readonly 'cider-characters': readonly string[];
  /** The answers of all people who were asked, ten usually. */
  readonly 'vqa-accuracy': readonly string[];
  /** Answers of which any will do. */
  readonly 'exact-match': readonly string[];
  /** Answers of which any will do. */
  readonly 'gqa-accuracy': readonly string[];
  /** Answers of which any will do. */
  readonly 'relaxed-accuracy': readonly string[];
  /** Answers of which any will do. */
  readonly anls: readonly string[];
  /** Letter of the right option, such as `B`. */
  readonly 'multiple-choice': string;
  readonly 'box-accuracy': WantedBox;
  readonly 'mme-score': WantedMme;
}

/** Name of a metric. */
export type MetricName = keyof WantedBy;

/** The metrics by name. */
export const METRICS: { readonly [Name in MetricName]: Metric<WantedBy[Name]> } = {
  cider: cider(ptbTokenise),
  'cider-characters': cider(characterTokenise),
  'vqa-accuracy': vqaAccuracy,
  'exact-match': exactMatch,
  'gqa-accuracy': gqaAccuracy,
  'relaxed-accuracy': relaxedAccuracy,
  anls,
  'multiple-choice': multipleChoice,
  'box-accuracy': boxAccuracy,
  'mme-score': mmeScore,
};
