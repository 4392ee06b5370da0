import { hash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ChatEvent, ChatService } from '@eidetic/chat';
import { EideticError, toTraceparent } from '@eidetic/core';
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { answerErrors, logFailure } from './answer-errors.ts';
import { BodyBudget } from './body-budget.ts';
import { chatCompletion, chatCompletionChunks } from './chat-completion.ts';
import { parseChatCompletionRequest } from './chat-completion-request.ts';
import { type ErrorBody, errorBody } from './error-response.ts';
import { eventStream } from './event-stream.ts';

/** Limits of the API. */
export interface OpenaiApiOptions {
  readonly maxBodyBytes: number;
  /** Of the bodies of all requests that are being answered. */
  readonly maxBodyBytesTogether: number;
  readonly maxImagesPerRequest: number;
  /** Longest time from a request to the end of its answer. */
  readonly requestDeadlineMs: number;
  /** Longest silence in a stream before a comment is sent. */
  readonly heartbeatMs: number;
}

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx buffers what it proxies, unless told otherwise.
  'x-accel-buffering': 'no',
};

/** A caller's own id, when it is safe to log and to send back; else a new one. */
const requestId = ({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): string => {
  const own = headers['x-request-id'];
  return typeof own === 'string' && /^[\w.:/+=-]{1,128}$/.test(own) ? own : randomUUID();
};

/** 128 bits: no two keys make the same name by chance. */
const TENANT_DIGITS = 32;

/** Time after the deadline in which the client may take what was sent to it; then its connection is closed. */
const LAST_WORDS_MS = 1000;

/**
 * Aborts when the connection closes or the deadline passes. A stalled client does not keep its answer: its connection is closed
 * soon after the deadline. (Fastify's `request.signal` listens to the request, which
 * Node closes once its body is read: it misses clients that leave after that.)
 */
const lifeOf = (reply: FastifyReply, deadlineMs: number): AbortSignal => {
  const life = new AbortController();
  let timer = setTimeout(() => {
    life.abort(new EideticError('deadline_exceeded', `The answer was not done after ${deadlineMs} ms.`));
    timer = setTimeout(() => reply.raw.destroy(), LAST_WORDS_MS);
  }, deadlineMs);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    life.abort(new EideticError('cancelled', 'The client went away.'));
  });
  return life.signal;
};

/** Logs what an answer took, and turns an abort into its reason: the client left, or the deadline passed. */
async function* supervise(
  events: AsyncIterable<ChatEvent>,
  signal: AbortSignal,
  log: FastifyBaseLogger,
): AsyncGenerator<ChatEvent, void, undefined> {
  try {
    for await (const event of events) {
      if (event.kind === 'finished') {
        const { reason, usage, timings } = event;
        log.info({ reason, usage, timings }, 'answered');
      }
      yield event;
    }
  } catch (error) {
    throw EideticError.from(signal.aborted ? signal.reason : error);
  }
}

/** The same events; resolves when the first is there, rejects when the answer fails before it. */
const started = async <T>(events: AsyncGenerator<T, void, undefined>): Promise<AsyncIterable<T>> => {
  const first = await events.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* events;
  })();
};

/** A name for whoever brings a key; nobody can tell the key from it. */
const tenantOf = (authorization: string | undefined): string | undefined => {
  const [, key] = /^Bearer\s+(\S+)$/i.exec(authorization ?? '') ?? [];
  return key === undefined ? undefined : hash('sha256', key, 'hex').slice(0, TENANT_DIGITS);
};

const answerChat =
  (service: ChatService, options: OpenaiApiOptions) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { model, stream, includeUsage, chat } = parseChatCompletionRequest(request.body, options.maxImagesPerRequest);
    refuseOtherModels(model, service.model);
    // Callers may repeat their x-request-id; the id of the answer is unique.
    const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
    const log = request.log.child({ completionId: head.id });
    const signal = lifeOf(reply, options.requestDeadlineMs);
    const tenant = tenantOf(request.headers.authorization);
    const deadlineMs = Date.now() + options.requestDeadlineMs;
    const traceparent = toTraceparent(request.headers.traceparent);
    const asked = {
      ...chat,
      requestId: head.id,
      deadlineMs,
      ...(tenant !== undefined && { tenant }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const events = supervise(service.chat(asked, signal), signal, log);
    const { choices = 1, logprobs } = chat;
    if (!stream) return chatCompletion(head, events, { choices, logprobs: logprobs !== undefined });

    const chunks = chatCompletionChunks(head, await started(events), { choices, includeUsage });
    const failure = (reason: unknown): ErrorBody => {
      const error = EideticError.from(reason);
      logFailure(request, error);
      return errorBody(error);
    };
    const body = Readable.from(eventStream(chunks, { heartbeatMs: options.heartbeatMs, failure }), {
      highWaterMark: 1,
    });
    return reply.headers(STREAM_HEADERS).send(body);
  };

const refuseOtherModels = (asked: string, served: string): void => {
  if (asked === served) return;
  throw new EideticError(
    'model_not_found',
    `model: "${asked.slice(0, 100)}" is not served here; ask for "${served}".`,
    {
      details: { param: 'model' },
    },
  );
};

const addRoutes = (app: FastifyInstance, service: ChatService, options: OpenaiApiOptions): void => {
  const created = Math.floor(Date.now() / 1000);
  const model = (id: string) => ({ id, object: 'model', created, owned_by: 'eidetic' });

  const budget = new BodyBudget(options.maxBodyBytesTogether);
  /** Before a byte of the body is read. One that does not tell its length may have the largest. */
  const reserveBody = async ({ headers }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const announced = Number(headers['content-length'] ?? options.maxBodyBytes);
    reply.raw.once('close', budget.reserve(Math.min(announced, options.maxBodyBytes)));
  };
  const route = { bodyLimit: options.maxBodyBytes, onRequest: reserveBody };
  app.post('/chat/completions', route, answerChat(service, options));
  app.get('/models', () => ({ object: 'list', data: [model(service.model)] }));
  app.get<{ Params: { model: string } }>('/models/:model', ({ params }) => {
    refuseOtherModels(params.model, service.model);
    return model(service.model);
  });

  for (const [url, allowed] of [
    ['/chat/completions', ['POST']],
    ['/models', ['GET', 'HEAD']],
    ['/models/:model', ['GET', 'HEAD']],
  ] as const) {
    const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
      reply.header('allow', allowed.join(', '));
      throw new EideticError('method_not_allowed', `${request.method} ${request.url}: use ${allowed[0]}.`);
    };
    const others = METHODS.filter((method) => !(allowed as readonly string[]).includes(method));
    app.route({ method: others, url, onRequest: async (request, reply) => refuse(request, reply), handler: refuse });
  }
};

/**
 * A Fastify plugin with OpenAI's HTTP API under `/v1`: chat completions, streamed or whole, and the list of models. Its
 * errors are those of {@link answerErrors}.
 */
export const openaiApi =
  (service: ChatService, options: OpenaiApiOptions): FastifyPluginCallback =>
  (app, _, done) => {
    app.register(
      (v1, _options, registered) => {
        v1.setGenReqId(requestId);
        v1.addHook('onRequest', async (request, reply) => {
          reply.header('x-request-id', request.id);
        });
        v1.removeContentTypeParser('text/plain');
        answerErrors(v1);
        addRoutes(v1, service, options);
        registered();
      },
      { prefix: '/v1' },
    );
    done();
  };
