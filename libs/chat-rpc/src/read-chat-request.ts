import type { ChatInput, ChatMessage, ChatOptions, ContentPart } from '@eidetic/chat';
import { MAX_CHOICES } from '@eidetic/chat';
import { EideticError, MAX_LOGPROBS, type SamplingOptions } from '@eidetic/core';
import { readGrammar, readTopP, refuse, SAMPLING_BOUNDS, within } from '@eidetic/messages';
import {
  type ChatMessage as ChatMessageMessage,
  type ChatRequest as ChatRequestMessage,
  type ChatSampling,
  type ContentPart as ContentPartMessage,
  Role,
} from '@eidetic/proto';
import { readImageSource } from './read-image-source.ts';

/** What a message asks for; who asks and until when is told by the call. */
export type WantedChat = ChatInput & Omit<ChatOptions, 'requestId' | 'tenant' | 'deadlineMs' | 'traceparent'>;

const ROLES = new Map<number, ChatMessage['role']>([
  [Role.ROLE_SYSTEM, 'system'],
  [Role.ROLE_USER, 'user'],
  [Role.ROLE_ASSISTANT, 'assistant'],
]);

/** Whether so many fit the context is for the chat service to say. */
const TOKENS = { min: 1, max: 2 ** 31 - 1 };
const PRIORITY = { min: -100, max: 100 };
const MAX_STOPS = 4;
const MAX_BIASES = 1024;

const readPart = ({ part }: ContentPartMessage, path: string): ContentPart => {
  switch (part?.$case) {
    case 'text':
      return { kind: 'text', text: part.value };
    case 'image':
      return { kind: 'image', source: readImageSource(part.value, `${path}.image`) };
    case undefined:
      throw refuse(path, 'is neither text nor a picture');
  }
};

const readMessage = ({ role: wire, content }: ChatMessageMessage, path: string): ChatMessage => {
  const role = ROLES.get(wire);
  if (role === undefined) throw refuse(`${path}.role`, `${wire} is not a role that is known`);
  if (content.length === 0) throw refuse(`${path}.content`, 'is empty');
  return { role, content: content.map((part, i) => readPart(part, `${path}.content[${i}]`)) };
};

const readInput = ({ messages, prompt }: ChatRequestMessage): ChatInput => {
  if (messages.length > 0 && prompt.length > 0) throw refuse('prompt', 'cannot go with messages; give one of them');
  if (prompt.length > 0) return { prompt: prompt.map((part, i) => readPart(part, `prompt[${i}]`)) };
  if (messages.length === 0) throw refuse('messages', 'is empty');
  return { messages: messages.map((message, i) => readMessage(message, `messages[${i}]`)) };
};

/** What is there, read by the function of its name. */
const given = <T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;

const readBiases = (biases: ReadonlyMap<number, number>): ReadonlyMap<number, number> | undefined => {
  if (biases.size > MAX_BIASES) throw refuse('sampling.logit_bias', `${biases.size} ids are more than ${MAX_BIASES}`);
  for (const [id, bias] of biases) within(`sampling.logit_bias[${id}]`, bias, SAMPLING_BOUNDS.logitBias);
  return biases.size === 0 ? undefined : biases;
};

const readSampling = (message: ChatSampling | undefined): Partial<SamplingOptions> => {
  if (message === undefined) return {};
  const { topP, topK, seed } = message;
  const bounded = (
    name: 'temperature' | 'minP' | 'repetitionPenalty' | 'presencePenalty' | 'frequencyPenalty',
    field: string,
  ): number | undefined => {
    const value = message[name];
    return value === undefined ? undefined : within(`sampling.${field}`, value, SAMPLING_BOUNDS[name]);
  };
  return given<SamplingOptions>({
    temperature: bounded('temperature', 'temperature'),
    topP: topP === undefined ? undefined : readTopP('sampling.top_p', topP),
    topK,
    minP: bounded('minP', 'min_p'),
    repetitionPenalty: bounded('repetitionPenalty', 'repetition_penalty'),
    presencePenalty: bounded('presencePenalty', 'presence_penalty'),
    frequencyPenalty: bounded('frequencyPenalty', 'frequency_penalty'),
    logitBias: readBiases(message.logitBias),
    seed: seed === undefined ? undefined : within('sampling.seed', Number(seed), SAMPLING_BOUNDS.seed),
  });
};

const readStop = (stop: readonly string[]): readonly string[] => {
  if (stop.length > MAX_STOPS) throw refuse('stop', `${stop.length} strings are more than ${MAX_STOPS}`);
  const empty = stop.indexOf('');
  if (empty >= 0) throw refuse(`stop[${empty}]`, 'is empty, and would end every answer');
  return stop;
};

const optionalWithin = (path: string, value: number | undefined, bounds: { min: number; max: number }) =>
  value === undefined ? undefined : within(path, value, bounds);

/**
 * Reads a request.
 *
 * @param served name of the model that is served
 * @throws EideticError `invalid_request`, `model_not_found`; the message begins with the path of the field
 *   that is wrong, which is in `details.param` too.
 */
export const readChatRequest = (message: ChatRequestMessage, served: string): WantedChat => {
  const { model, maxTokens, minTokens, choices, logprobs, grammar, ignoreEos } = message;
  if (model !== '' && model !== served) {
    const problem = `model: "${model.slice(0, 100)}" is not served here; ask for "${served}".`;
    throw new EideticError('model_not_found', problem, { details: { param: 'model' } });
  }
  return {
    ...readInput(message),
    sampling: readSampling(message.sampling),
    stop: readStop(message.stop),
    priority: within('priority', message.priority, PRIORITY),
    ignoreEos,
    minTokens: within('min_tokens', minTokens, { min: 0, max: TOKENS.max }),
    ...given<Pick<ChatOptions, 'maxTokens' | 'choices' | 'logprobs' | 'grammar'>>({
      maxTokens: optionalWithin('max_tokens', maxTokens, TOKENS),
      choices: optionalWithin('choices', choices, { min: 1, max: MAX_CHOICES }),
      logprobs: optionalWithin('logprobs', logprobs, { min: 0, max: MAX_LOGPROBS }),
      grammar: grammar && readGrammar(grammar),
    }),
  };
};
