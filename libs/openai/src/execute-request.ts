import { randomUUID } from 'node:crypto';
import type { Execute } from '@eidetic/batches';
import { EideticError } from '@eidetic/core';
import type { FastifyBaseLogger } from 'fastify';
import type { OpenaiApiOptions, OpenaiApiParts } from './api-parts.ts';
import { beginChat, wholeAnswer } from './begin-chat.ts';
import { beginCompletion, wholeCompletion } from './begin-completion.ts';
import { errorBody } from './error-response.ts';
import { refuse } from './validate.ts';

/** Below whatever requests may ask for: people who wait go first. */
const BATCH_PRIORITY = -200;

/** Answers requests of batches with the code that answers those of people, who are let in before. */
export const createExecute = (
  { chat: service, files }: Pick<OpenaiApiParts, 'chat' | 'files'>,
  { maxImagesPerRequest: maxImages }: Pick<OpenaiApiOptions, 'maxImagesPerRequest'>,
  log: FastifyBaseLogger,
): Execute => {
  const answerer = { service, files, maxImages };
  return async (endpoint, body, { tenant, deadlineMs, signal }) => {
    const requestId = `req_${randomUUID()}`;
    const circumstances = {
      tenant: tenant === '' ? undefined : tenant,
      deadlineMs,
      priority: BATCH_PRIORITY,
      signal,
      log: log.child({ requestId }),
    };
    try {
      if (body.stream === true) throw refuse('stream', 'answers of batches are not streamed; leave it out.');
      const answer =
        endpoint === '/v1/completions'
          ? await wholeCompletion(await beginCompletion(body, answerer, circumstances))
          : await wholeAnswer(await beginChat(body, answerer, circumstances));
      return { status: 200, requestId, body: answer };
    } catch (reason) {
      const error = EideticError.from(reason);
      if (error.code === 'internal') circumstances.log.error({ err: error }, 'failed');
      return { status: error.kind.http, requestId, body: errorBody(error), code: error.code };
    }
  };
};
