import { EideticError } from '@eidetic/core';

/** The command was called in a way that it does not know: exit status 2. */
export class UsageError extends EideticError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('invalid_request', message, options);
  }
}
