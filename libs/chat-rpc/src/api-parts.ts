import type { ChatEvent, ChatService, ImageService } from '@eidetic/chat';
import type { AccessControl, BodyBudget } from '@eidetic/core';
import type { Tracer } from '@eidetic/telemetry';

/** What the API answers from. */
export interface ChatRpcParts {
  readonly chat: ChatService;
  readonly images: ImageService;
  readonly access: AccessControl;
  /** Memory for the pictures and messages of all requests that are being answered. */
  readonly bodies: BodyBudget;
  /** Undefined as long as nothing is traced. */
  readonly tracer: () => Tracer | undefined;
  /** Told of each chat that has been answered. */
  readonly onAnswered: (chat: AnsweredChat) => void;
  readonly limits: {
    /** Largest picture that may be uploaded. */
    readonly maxBodyBytes: number;
    /** Longest time from a request to the end of its answer. */
    readonly requestDeadlineMs: number;
  };
}

/** A chat, and what it took. */
export interface AnsweredChat extends Omit<Extract<ChatEvent, { readonly kind: 'finished' }>, 'kind'> {
  readonly id: string;
  /** Trace context (W3C) that it is part of. */
  readonly traceparent: string | undefined;
}
