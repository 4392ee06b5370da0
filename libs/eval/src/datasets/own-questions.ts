import { dirname, resolve } from 'node:path';
import { EideticError } from '@eidetic/core';
import { z } from 'zod';
import { type Answered, createDataset, type EvalItem } from '../create-dataset.ts';
import type { DatasetFormat } from '../dataset.ts';
import type { EvalMessage } from '../question.ts';
import { normalise, scoreAnswer } from '../score.ts';
import { checkEntry } from './check-entry.ts';
import { jsonLines } from './json-lines.ts';

const part = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  /** Path of a picture, relative to the file of questions. */
  z.strictObject({ type: z.literal('image'), image: z.string().min(1) }),
]);

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part).min(1)]),
});

const common = {
  id: z.string().min(1).optional(),
  task: z.string().min(1),
  language: z.string().min(1),
  /** What is to be said. */
  answer: z.string(),
  /** What the reference implementation of the model says. */
  reference_output: z.string().optional(),
};

const single = z.strictObject({ ...common, question: z.string(), images: z.array(z.string().min(1)).default([]) });
const dialog = z.strictObject({ ...common, messages: z.array(message).min(1) });

/** A line as it is; which of the two forms it has is seen from whether it has messages. */
const line = z.record(z.string(), z.unknown());

interface Wanted {
  readonly answer: string;
  readonly referenceOutput: string | undefined;
}

/**
 * Eidetic's own format, one JSON object a line: `{id?, task, language, images?, question, answer}` or, for several turns, `{id?, task,
 * language, messages, answer}`. Paths of pictures are relative to the file. Measured by exact match, by intersection over union
 * where the wanted answer holds boxes, and by whether the answer is the reference's where the line says that in `reference_output`.
 */
export const ownQuestions: DatasetFormat = {
  name: 'questions',
  files: 'QUESTIONS.jsonl',
  maxFiles: 1,
  async open({ paths: [path = ''], images }) {
    const folder = resolve(images ?? dirname(path));
    const items: EvalItem<Wanted>[] = [];
    for await (const { value, number } of jsonLines(path, line)) {
      items.push(readQuestion(value, `line-${number}`, `${path}, line ${number}`, folder));
    }
    return createDataset({
      name: this.name,
      items,
      style: 'chat',
      maxTokens: 256,
      measures: [
        { name: 'exact', unit: ' %', digits: 1 },
        { name: 'mean IoU', unit: '', digits: 3 },
        { name: 'IoU ≥ 0.5', unit: ' %', digits: 1 },
        { name: 'as reference', unit: ' %', digits: 1 },
      ],
      figures,
    });
  },
};

function readQuestion(value: object, defaultId: string, at: string, folder: string): EvalItem<Wanted> {
  const parsed = 'messages' in value ? checkEntry(dialog, value, at) : checkEntry(single, value, at);
  const { id, task, language, answer, reference_output: referenceOutput } = parsed;
  const messages = 'messages' in parsed ? parsed.messages : [askOnce(parsed)];
  if (messages.at(-1)?.role !== 'user') {
    throw new EideticError('invalid_request', `${at}: messages: the last one must be the user’s.`);
  }
  return {
    question: { id: id ?? defaultId, messages: messages.map((entry) => withPaths(entry, folder)) },
    part: `${task} ${language}`,
    wanted: { answer, referenceOutput },
  };
}

function askOnce({ images, question }: z.infer<typeof single>): z.infer<typeof message> {
  return {
    role: 'user',
    content: [...images.map((image) => ({ type: 'image' as const, image })), { type: 'text' as const, text: question }],
  };
}

function withPaths({ role, content }: z.infer<typeof message>, folder: string): EvalMessage {
  if (typeof content === 'string') return { role, content };
  const resolved = content.map((entry) =>
    entry.type === 'image' ? { ...entry, image: resolve(folder, entry.image) } : entry,
  );
  return { role, content: resolved };
}

function figures(answers: readonly Answered<Wanted>[]): Readonly<Record<string, number>> {
  // An output that is missing is wrong even where nothing is wanted.
  const scores = answers.map(({ wanted, output }) => {
    const score = scoreAnswer(wanted.answer, output ?? '');
    return { ...score, exact: score.exact && output !== undefined };
  });
  const boxes = scores.flatMap((score) => score.boxes ?? []);
  const compared = answers.flatMap(({ wanted: { referenceOutput }, output }) =>
    referenceOutput === undefined || output === undefined
      ? []
      : Number(normalise(referenceOutput) === normalise(output)),
  );
  return {
    exact: 100 * mean(scores.map(({ exact }) => Number(exact))),
    ...(boxes.length > 0 && {
      'mean IoU': mean(boxes.map(({ meanIou }) => meanIou)),
      'IoU ≥ 0.5': 100 * mean(boxes.map(({ found }) => found)),
    }),
    ...(compared.length > 0 && { 'as reference': 100 * mean(compared) }),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
