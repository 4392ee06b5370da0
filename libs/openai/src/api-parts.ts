import type { ChatService } from '@eidetic/chat';
import type { AccessControl, BodyBudget } from '@eidetic/core';

/** What the API answers from. */
export interface OpenaiApiParts {
  readonly chat: ChatService;
  readonly access: AccessControl;
  /** Memory for the bodies of all requests that are being answered. */
  readonly bodies: BodyBudget;
}

/** Limits of the API. */
export interface OpenaiApiOptions {
  readonly maxBodyBytes: number;
  readonly maxImagesPerRequest: number;
  /** Longest time from a request to the end of its answer. */
  readonly requestDeadlineMs: number;
  /** Longest silence in a stream before a comment is sent. */
  readonly heartbeatMs: number;
}
