import { randomUUID } from 'node:crypto';
import type { ChatEvent, ChatRequest as WantedRequest } from '@eidetic/chat';
import { ChatServiceDefinition } from '@eidetic/proto';
import { type Implementation, implement, readyTogether } from '@eidetic/rpc';
import { admit } from './admit.ts';
import type { ChatRpcParts } from './api-parts.ts';
import { blameField } from './blame-field.ts';
import { toResponseMessages } from './event-messages.ts';
import { readChatRequest } from './read-chat-request.ts';

/**
 * Least time between two writes, as in libs/openai: a small model makes a token in half a millisecond, and what it costs to send each
 * by itself and to wake its reader is time that it does not compute in.
 */
const GATHER_MS = 5;

async function* answer(
  request: WantedRequest,
  { chat, onAnswered }: ChatRpcParts,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent, void, undefined> {
  for await (const event of chat.chat(request, signal)) {
    yield event;
    if (event.kind === 'finished') {
      const { reason, usage, timings } = event;
      onAnswered({ id: request.requestId, reason, usage, timings, traceparent: request.traceparent });
    }
  }
}

/** `eidetic.v1.ChatService` over a chat service. */
export const chatRpcService = (parts: ChatRpcParts): Implementation =>
  implement(
    ChatServiceDefinition,
    {
      async *chat(message, context) {
        using visit = await admit('eidetic.v1.ChatService/Chat', context, parts);
        const { model } = parts.chat;
        const id = `chat-${randomUUID()}`;
        const request = { ...readChatRequest(message, model), ...visit.options, requestId: id };
        try {
          const groups = readyTogether(answer(request, parts, context.signal), GATHER_MS);
          for await (const events of groups) yield* toResponseMessages(events, { id, model });
        } catch (reason) {
          visit.fail(reason);
          throw blameField(reason, request);
        }
      },
      async listModels(_, context) {
        using _visit = await admit('eidetic.v1.ChatService/ListModels', context, parts, 'look');
        const { model: name, facts } = parts.chat;
        return { models: [{ name, facts }] };
      },
    },
    { maxDurationMs: parts.limits.requestDeadlineMs },
  );
