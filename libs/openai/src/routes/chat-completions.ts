import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import type { OpenaiApiOptions, OpenaiApiParts } from '../api-parts.ts';
import { beginChat, wholeAnswer } from '../begin-chat.ts';
import { chatCompletionChunks } from '../chat-completion.ts';
import { circumstancesOf } from '../request-circumstances.ts';
import { streamAnswer } from '../stream-answer.ts';
import { refuseOtherMethods } from './methods.ts';

const answerChat =
  ({ chat: service, files }: OpenaiApiParts, options: OpenaiApiOptions) =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    const circumstances = circumstancesOf(request, reply, options.requestDeadlineMs);
    const answerer = { service, files, maxImages: options.maxImagesPerRequest };
    const begun = await beginChat(request.body, answerer, circumstances);
    const { stream, includeUsage, chat } = begun.request;
    if (!stream) return wholeAnswer(begun);
    const chunks = chatCompletionChunks(begun.head, begun.events, { choices: chat.choices ?? 1, includeUsage });
    return streamAnswer(request, reply, chunks, options.heartbeatMs);
  };

/** `/chat/completions`, streamed or whole. */
export const addChatCompletionRoute = (
  app: FastifyInstance,
  parts: OpenaiApiParts,
  options: OpenaiApiOptions,
  route: RouteShorthandOptions,
): void => {
  app.post('/chat/completions', route, answerChat(parts, options));
  refuseOtherMethods(app, '/chat/completions', ['POST']);
};
