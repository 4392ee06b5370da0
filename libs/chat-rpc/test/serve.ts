import { createOpenAccess } from '@eidetic/access';
import type { ChatEvent, ChatRequest, ChatService, ImageService } from '@eidetic/chat';
import { type AccessControl, BodyBudget } from '@eidetic/core';
import { ChatRequest as ChatRequestMessage, Role, readDescriptors } from '@eidetic/proto';
import { type EndedCall, RpcChannel, RpcServer } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';
import { type AnsweredChat, type ChatRpcParts, chatRpcService, imageRpcService } from '../src/index.ts';

export const MODEL = 'nano';

/** One picture, two pieces of text, one box. */
export const ANSWER: readonly ChatEvent[] = [
  { kind: 'started', images: [{ imageId: 'ab12', width: 640, height: 480, cached: true }], promptTokens: 300 },
  { kind: 'text', choice: 0, text: 'A <ref>cat</ref>' },
  { kind: 'text', choice: 0, text: '<box>(1,2),(3,4)</box>' },
  { kind: 'grounding', choice: 0, grounding: { text: 'cat', box: { x1: 1, y1: 2, x2: 3, y2: 4 }, imageIndex: 0 } },
  { kind: 'ended', choice: 0, reason: 'stop' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 300, imageTokens: 256, cachedTokens: 280, completionTokens: 12 },
    timings: { imagesMs: 1, decoderMs: 2, firstTokenMs: 2.25, totalMs: 3 },
  },
];

/** Answers with {@link ANSWER}; notes what it is asked. */
export const scripted = (
  answer: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent> | Iterable<ChatEvent> = () => ANSWER,
): ChatService & { readonly requests: ChatRequest[] } => {
  const requests: ChatRequest[] = [];
  return {
    model: MODEL,
    requests,
    async *chat(request, signal = new AbortController().signal) {
      requests.push(request);
      yield* answer(request, signal);
    },
  };
};

/** Takes every picture for one of 2 x 1 pixels. */
export const IMAGES: ImageService = {
  upload: async (bytes) => ({ ...ENCODED, imageId: `${bytes.length}` }),
  encode: async () => ENCODED,
};
const ENCODED = {
  imageId: 'ab12',
  key: 'k',
  cached: true,
  embedding: { data: Float32Array.of(0.5, -2), tokens: 1, hidden: 2, imageWidth: 2, imageHeight: 1 },
};

/** A server of the API on a free port, and a channel to it; both end with the test. */
export const serve = async ({
  limits = { maxBodyBytes: 1000, requestDeadlineMs: 20_000 },
  ...parts
}: Partial<ChatRpcParts> = {}) => {
  const ended: EndedCall[] = [];
  const answered: AnsweredChat[] = [];
  const api: ChatRpcParts = {
    chat: scripted(),
    images: IMAGES,
    access: createOpenAccess(),
    bodies: new BodyBudget(2 ** 20),
    tracer: () => undefined,
    onAnswered: (chat) => answered.push(chat),
    limits,
    ...parts,
  };
  const server = new RpcServer({
    services: [chatRpcService(api), imageRpcService(api)],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: (call) => ended.push(call),
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port: 0, settings: 'PORT' });
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return { server, address, channel, ended, answered };
};

/** A request that says "Hi", unless `fields` say something else. */
export const message = (fields: Partial<ChatRequestMessage> = {}): ChatRequestMessage => ({
  ...ChatRequestMessage.decode(Uint8Array.of()),
  messages: [{ role: Role.ROLE_USER, content: [{ part: { $case: 'text', value: 'Hi' } }] }],
  ...fields,
});

/** Lets everyone in whose key is known; counts who is in. */
export const doorkeeper = (admit: AccessControl['admit']) => {
  const state = { inside: 0 };
  const access: AccessControl = {
    async admit(credentials) {
      const admission = await admit(credentials);
      state.inside += 1;
      return {
        ...admission,
        release() {
          state.inside -= 1;
          admission.release();
        },
      };
    },
  };
  return { access, state };
};
