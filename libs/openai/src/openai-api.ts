import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { admitRequests } from './admit.ts';
import { answerErrors } from './answer-errors.ts';
import type { OpenaiApiOptions, OpenaiApiParts } from './api-parts.ts';
import { parseBody } from './parse-body.ts';
import { requestId } from './request-id.ts';
import { addBatchRoutes } from './routes/batches.ts';
import { addChatCompletionRoute } from './routes/chat-completions.ts';
import { addCompletionRoute } from './routes/completions.ts';
import { addFileRoutes } from './routes/files.ts';
import { addModelRoutes } from './routes/models.ts';
import { whenClosed } from './when-closed.ts';

const addRoutes = (app: FastifyInstance, parts: OpenaiApiParts, options: OpenaiApiOptions): void => {
  /** Before a byte of the body is read. One that does not tell its length may have the largest. */
  const reserveBody = async ({ headers }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const announced = Number(headers['content-length'] ?? options.maxBodyBytes);
    whenClosed(reply, parts.bodies.reserve(Math.min(announced, options.maxBodyBytes)));
  };
  const withBody = { bodyLimit: options.maxBodyBytes, onRequest: reserveBody };
  addChatCompletionRoute(app, parts, options, withBody);
  addCompletionRoute(app, parts, options, withBody);
  addModelRoutes(app, parts.chat);
  addFileRoutes(app, parts, options);
  addBatchRoutes(app, parts);
};

/** Parses bodies as Fastify does, which refuses keys that would change prototypes, but for large pictures and no body at all. */
const parseBodies = (app: FastifyInstance): void => {
  const parseText = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // OpenAI's SDK for Python says JSON of every request, those that have no body included.
    if (body.length === 0) return undefined;
    return parseBody(body, (text) => {
      const outcome: { error?: Error | null; value?: unknown } = {};
      // It calls back before it returns.
      void parseText(request, text, (error, value) => Object.assign(outcome, { error, value }));
      if (outcome.error) throw outcome.error;
      return outcome.value;
    });
  });
};

/**
 * A Fastify plugin with OpenAI's HTTP API under `/v1`: chat completions and completions, streamed or whole, and the list of models. Its
 * errors are those of {@link answerErrors}.
 */
export const openaiApi =
  (parts: OpenaiApiParts, options: OpenaiApiOptions): FastifyPluginCallback =>
  (app, _, done) => {
    app.register(
      (v1, _options, registered) => {
        v1.setGenReqId(requestId);
        v1.addHook('onRequest', async (request, reply) => {
          reply.header('x-request-id', request.id);
        });
        v1.removeContentTypeParser('text/plain');
        parseBodies(v1);
        answerErrors(v1);
        admitRequests(v1, parts.access);
        addRoutes(v1, parts, options);
        registered();
      },
      { prefix: '/v1' },
    );
    done();
  };
