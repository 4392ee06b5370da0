import { EideticError } from '@eidetic/core';
import type { FastifyReply } from 'fastify';
import { whenClosed } from './when-closed.ts';

/** Time after the deadline in which the client may take what was sent to it; then its connection is closed. */
const LAST_WORDS_MS = 1000;

/**
 * Aborts when the connection closes or the deadline passes. A stalled client does not keep its answer: its connection is closed
 * soon after the deadline. (Fastify's `request.signal` listens to the request, which
 * Node closes once its body is read: it misses clients that leave after that.)
 */
export const lifeOf = (reply: FastifyReply, deadlineMs: number): AbortSignal => {
  const life = new AbortController();
  let timer = setTimeout(() => {
    life.abort(new EideticError('deadline_exceeded', `The answer was not done after ${deadlineMs} ms.`));
    timer = setTimeout(() => reply.raw.destroy(), LAST_WORDS_MS);
  }, deadlineMs);
  whenClosed(reply, () => {
    clearTimeout(timer);
    life.abort(new EideticError('cancelled', 'The client went away.'));
  });
  return life.signal;
};
