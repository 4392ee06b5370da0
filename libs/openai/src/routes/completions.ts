import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import type { OpenaiApiOptions, OpenaiApiParts } from '../api-parts.ts';
import { beginCompletion, wholeCompletion } from '../begin-completion.ts';
import { completionChunks } from '../completion.ts';
import { circumstancesOf } from '../request-circumstances.ts';
import { streamAnswer } from '../stream-answer.ts';
import { refuseOtherMethods } from './methods.ts';

const complete =
  ({ chat: service, files }: OpenaiApiParts, options: OpenaiApiOptions) =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    const circumstances = circumstancesOf(request, reply, options.requestDeadlineMs);
    const answerer = { service, files, maxImages: options.maxImagesPerRequest };
    const begun = await beginCompletion(request.body, answerer, circumstances);
    const { stream, includeUsage } = begun.request;
    if (!stream) return wholeCompletion(begun);
    const chunks = completionChunks(begun.head, begun.events, { ...begun.shape, includeUsage });
    return streamAnswer(request, reply, chunks, options.heartbeatMs);
  };

/** `/completions`, streamed or whole: texts that the model goes on with. */
export const addCompletionRoute = (
  app: FastifyInstance,
  parts: OpenaiApiParts,
  options: OpenaiApiOptions,
  route: RouteShorthandOptions,
): void => {
  app.post('/completions', route, complete(parts, options));
  refuseOtherMethods(app, '/completions', ['POST']);
};
