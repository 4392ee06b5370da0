import { EideticError } from '@eidetic/core';
import { type MetricItem, type MetricResult, mean } from './metric.ts';

/** MME's subtasks (Fu et al., 2023), by what they test. */
export const MME_SUBTASKS = {
  perception: [
    'existence',
    'count',
    'position',
    'color',
    'posters',
    'celebrity',
    'scene',
    'landmark',
    'artwork',
    'OCR',
  ],
  cognition: ['commonsense_reasoning', 'numerical_calculation', 'text_translation', 'code_reasoning'],
} as const;

/** One of MME's subtasks. */
export type MmeSubtask = (typeof MME_SUBTASKS)[keyof typeof MME_SUBTASKS][number];

/** The right answer to one of the two questions about a picture. */
export interface WantedMme {
  readonly subtask: MmeSubtask;
  /** Whatever tells the pictures of a subtask apart. */
  readonly image: string;
  readonly answer: 'yes' | 'no';
}

/**
 * MME's score in points, as its eval_tool/calculation.py computes it. A subtask has up to 200: the percentage of right
 * answers, plus the percentage of pictures with both answers right. The score is the sum over the subtasks (up to 2,800);
 * `parts` are the subtasks, `perception` (up to 2,000) and `cognition` (up to 800). Per item: 1 for a right answer, else 0.
 *
 * @throws EideticError `invalid_request` when a picture has not exactly two questions.
 */
export function mmeScore(items: readonly MetricItem<WantedMme>[]): MetricResult {
  const perItem = items.map(({ output, wanted }) => Number(yesOrNo(output) === wanted.answer));
  mean(perItem); // refuses an empty set
  const right = new Map<MmeSubtask, Map<string, number[]>>();
  for (const [index, { wanted }] of items.entries()) {
    const pictures = right.get(wanted.subtask) ?? new Map<string, number[]>();
    right.set(wanted.subtask, pictures.set(wanted.image, [...(pictures.get(wanted.image) ?? []), perItem[index] ?? 0]));
  }
  const subtasks = new Map(Array.from(right, ([subtask, pictures]) => [subtask, subtaskScore(subtask, pictures)]));
  const sum = (names: readonly MmeSubtask[]) => names.reduce((total, name) => total + (subtasks.get(name) ?? 0), 0);
  const perception = sum(MME_SUBTASKS.perception);
  const cognition = sum(MME_SUBTASKS.cognition);
  return { score: perception + cognition, perItem, parts: { ...Object.fromEntries(subtasks), perception, cognition } };
}

function subtaskScore(subtask: string, pictures: ReadonlyMap<string, readonly number[]>): number {
  for (const [image, answers] of pictures) {
    if (answers.length === 2) continue;
    const message = `MME asks two questions about a picture; ${subtask} has ${answers.length} about ${image}.`;
    throw new EideticError('invalid_request', message);
  }
  const answers = [...pictures.values()];
  return 100 * mean(answers.flat()) + 100 * mean(answers.map(([first, second]) => Number(first === 1 && second === 1)));
}

/** The official script looks at the first four letters only. */
function yesOrNo(output: string): 'yes' | 'no' | 'other' {
  const start = [...output.toLowerCase()].slice(0, 4).join('');
  if (start.includes('yes')) return 'yes';
  return start.includes('no') ? 'no' : 'other';
}
