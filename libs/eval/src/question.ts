import { z } from 'zod';

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

/** One message of a dialog; pictures are absolute paths. */
export type EvalMessage = z.infer<typeof message>;

/** One thing to ask. The last message is the user's. */
export interface EvalQuestion {
  /** Unique among the questions; `line-N` where the file names none. */
  readonly id: string;
  readonly task: string;
  readonly language: string;
  readonly messages: readonly EvalMessage[];
  readonly answer: string;
  readonly referenceOutput?: string;
}

/**
 * Reads one line of a file of questions: `{id?, task, language, images?, question, answer}` or, for several turns,
 * `{id?, task, language, messages, answer}`.
 *
 * @returns the question, or the reason why it is none.
 */
export function parseQuestion(
  json: unknown,
  defaultId: string,
  resolvePath: (path: string) => string,
): EvalQuestion | string {
  const isDialog = typeof json === 'object' && json !== null && 'messages' in json;
  const parsed = isDialog ? dialog.safeParse(json) : single.safeParse(json);
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the line'}: ${issue.message}`).join('; ');
  }
  const { id, task, language, answer, reference_output: referenceOutput } = parsed.data;
  const messages = 'messages' in parsed.data ? parsed.data.messages : [askOnce(parsed.data)];
  if (messages.at(-1)?.role !== 'user') return 'messages: the last one must be the user’s';
  return {
    id: id ?? defaultId,
    task,
    language,
    answer,
    messages: messages.map((entry) => withPaths(entry, resolvePath)),
    ...(referenceOutput === undefined ? {} : { referenceOutput }),
  };
}

function askOnce({ images, question }: z.infer<typeof single>): EvalMessage {
  return {
    role: 'user',
    content: [...images.map((image) => ({ type: 'image' as const, image })), { type: 'text' as const, text: question }],
  };
}

function withPaths({ role, content }: EvalMessage, resolvePath: (path: string) => string): EvalMessage {
  if (typeof content === 'string') return { role, content };
  return {
    role,
    content: content.map((entry) => (entry.type === 'image' ? { ...entry, image: resolvePath(entry.image) } : entry)),
  };
}
