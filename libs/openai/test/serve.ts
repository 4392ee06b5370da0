import { createOpenAccess } from '@eidetic/access';
import type { BatchService } from '@eidetic/batches';
import type { ChatEvent, ChatRequest, ChatService, ModelFacts } from '@eidetic/chat';
import { BodyBudget, EideticError } from '@eidetic/core';
import type { FileService } from '@eidetic/files';
import { probeImage } from '@eidetic/image';
import fastify, { type FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { earlyErrors, type OpenaiApiOptions, openaiApi } from '../src/index.ts';

export const MODEL = 'nano';

const FACTS: ModelFacts = { revision: 'r1', maxContext: 2048, maxImages: 2, tokensPerImage: 256 };

/** One picture, two pieces of text, one box. */
export const ANSWER: readonly ChatEvent[] = [
  { kind: 'started', images: [{ imageId: 'ab12', width: 640, height: 480, cached: true }], promptTokens: 300 },
  { kind: 'text', choice: 0, text: 'A <ref>cat</ref>' },
  { kind: 'text', choice: 0, text: '<box>(1,2),(3,4)</box>.' },
  { kind: 'grounding', choice: 0, grounding: { text: 'cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, imageIndex: 0 } },
  { kind: 'ended', choice: 0, reason: 'stop' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 300, imageTokens: 256, cachedTokens: 280, completionTokens: 12 },
    timings: { imagesMs: 1.04999, decoderMs: 2.06, firstTokenMs: 2.25, totalMs: 3.21 },
  },
];

/** A chat service of the test's own making, and the requests that reached it. */
export const chatThat = (
  answer: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent>,
): { service: ChatService; requests: ChatRequest[] } => {
  const requests: ChatRequest[] = [];
  const service: ChatService = {
    model: MODEL,
    facts: FACTS,
    chat(request, signal = new AbortController().signal) {
      requests.push(request);
      return answer(request, signal);
    },
  };
  return { service, requests };
};

/** Yields `events`, then throws `failure` if there is one. */
export async function* play(events: readonly ChatEvent[], failure?: Error): AsyncGenerator<ChatEvent> {
  yield* events;
  if (failure !== undefined) throw failure;
}

const noFiles = (): never => {
  throw new EideticError('unavailable', 'There are no files here.');
};

/** A server of the API, closed after the test. */
export const serve = (
  service: ChatService,
  {
    maxBodyBytesTogether = 2 ** 20,
    files = noFiles,
    batches = noFiles,
    ...options
  }: Partial<OpenaiApiOptions> & {
    readonly maxBodyBytesTogether?: number;
    readonly files?: () => FileService;
    readonly batches?: () => BatchService;
  } = {},
): FastifyInstance => {
  const app = fastify({ ...earlyErrors, forceCloseConnections: true });
  const limits = {
    maxBodyBytes: 64 * 1024,
    maxImagesPerRequest: 2,
    requestDeadlineMs: 20_000,
    heartbeatMs: 15_000,
  };
  const parts = {
    chat: service,
    access: createOpenAccess(),
    bodies: new BodyBudget(maxBodyBytesTogether),
    files,
    batches,
    pictures: { maxBytes: 64 * 1024, probe: (bytes: Uint8Array) => probeImage(bytes) },
  };
  void app.register(openaiApi(parts, { ...limits, ...options }));
  onTestFinished(() => app.close());
  return app;
};

export const USER_SAYS_HI = [{ role: 'user', content: 'Hi' }];

/** Sends a body as JSON, to the chat route unless told otherwise, without a socket. */
export const post = async (app: FastifyInstance, body: unknown, url = '/v1/chat/completions') =>
  app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
