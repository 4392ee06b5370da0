import type { RawInput, WireNames } from '@eidetic/chat';
import { answerPrompts, type CompletionEvent } from './answer-prompts.ts';
import { askFor, type ChatAnswerer, type ChatCircumstances, completionHead } from './begin-chat.ts';
import type { CompletionHead } from './chat-completion.ts';
import { type CompletionShape, completion } from './completion.ts';
import { type CompletionRequest, countPictures, parseCompletionRequest, promptPath } from './completion-request.ts';
import { refuseOtherModels } from './routes/models.ts';

/** Answers that are under way once their events are read. */
export interface BegunCompletion {
  readonly head: CompletionHead;
  readonly request: CompletionRequest;
  readonly shape: CompletionShape;
  readonly events: AsyncGenerator<CompletionEvent, void, undefined>;
}

const namesOf = (request: CompletionRequest, index: number): WireNames => {
  const prompt = promptPath(index, request.prompts.length);
  const pictures = Array<string>(countPictures(request.prompts[index] ?? { prompt: [] })).fill(prompt);
  return { fields: { ...request.fieldNames, prompt }, pictures };
};

const picturesBefore = (prompts: readonly RawInput[], index: number): number =>
  prompts.slice(0, index).reduce((sum, prompt) => sum + countPictures(prompt), 0);

/**
 * Reads the body of `POST /v1/completions`, wherever it comes from, and begins to answer it.
 *
 * @throws EideticError what is wrong with the body; `model_not_found`.
 */
export const beginCompletion = async (
  body: unknown,
  { service, maxImages }: ChatAnswerer,
  circumstances: ChatCircumstances,
): Promise<BegunCompletion> => {
  const request = parseCompletionRequest(body, maxImages);
  refuseOtherModels(request.model, service.model);
  const { prompts, options } = request;
  const { choices = 1, logprobs } = options;
  const head = completionHead('cmpl', service);
  const answers = prompts.map((prompt, index) => ({
    begin: (life: AbortSignal) => {
      const id = prompts.length === 1 ? head.id : `${head.id}-${index}`;
      const signal = AbortSignal.any([life, circumstances.signal]);
      return askFor(id, { ...options, ...prompt, names: namesOf(request, index) }, service, {
        ...circumstances,
        signal,
      });
    },
    picturesBefore: picturesBefore(prompts, index),
  }));
  const shape = { prompts: prompts.length, choices, logprobs: logprobs !== undefined };
  return { head, request, shape, events: answerPrompts(answers, choices) };
};

/** The whole answer of a completion that does not stream. */
export const wholeCompletion = ({ head, events, shape }: BegunCompletion) => completion(head, events, shape);
