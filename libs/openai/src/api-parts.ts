import type { BatchService } from '@eidetic/batches';
import type { ChatService } from '@eidetic/chat';
import type { AccessControl, BodyBudget } from '@eidetic/core';
import type { FileService } from '@eidetic/files';

/** What the API answers from. */
export interface OpenaiApiParts {
  readonly chat: ChatService;
  readonly access: AccessControl;
  /** Memory for the bodies of all requests that are being answered. */
  readonly bodies: BodyBudget;
  /** Throws EideticError `unavailable` as long as there is none. */
  readonly files: () => FileService;
  /** Throws EideticError `unavailable` as long as there is none. */
  readonly batches: () => BatchService;
  readonly pictures: PictureProbe;
}

/** Tells whether bytes are a picture. */
interface PictureProbe {
  readonly maxBytes: number;
  /**
   * Its size as shown, from the header alone.
   *
   * @throws EideticError `invalid_image`, `image_too_large`.
   */
  probe(bytes: Uint8Array): Promise<{ readonly width: number; readonly height: number }>;
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
