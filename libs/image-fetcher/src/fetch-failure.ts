import type { FetchRefusal } from '@eidetic/core';

/** Why a picture is not fetched. The message is for whoever sent the URL. */
export class FetchFailure extends Error {
  readonly reason: FetchRefusal;

  constructor(reason: FetchRefusal, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
