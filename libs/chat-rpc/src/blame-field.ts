import { type ChatRequest, nameForClient } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';

/** Names of the chat service's own that are others in the messages. */
const FIELDS = { maxTokens: 'max_tokens', minTokens: 'min_tokens', logit_bias: 'sampling.logit_bias' };

/** Paths of the pictures of a request, in order. */
const picturePaths = ({ messages, prompt }: ChatRequest): string[] => {
  const parts = messages
    ? messages.flatMap(({ content }, i) => content.map((part, j) => ({ part, path: `messages[${i}].content[${j}]` })))
    : prompt.map((part, i) => ({ part, path: `prompt[${i}]` }));
  return parts.flatMap(({ part, path }) => (part.kind === 'image' ? [`${path}.image`] : []));
};

/** The same error, its `details.param` the path of a field of the message. */
export const blameField = (reason: unknown, request: ChatRequest): EideticError =>
  nameForClient(EideticError.from(reason), { fields: FIELDS, pictures: picturePaths(request) });
