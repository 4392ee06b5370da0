import type { FastifyReply } from 'fastify';

/** Calls `done` once the answer has ended or the client has left; at once if it has left before, for "close" does not come again. */
export const whenClosed = ({ raw }: FastifyReply, done: () => void): void => {
  if (raw.destroyed) done();
  else raw.once('close', done);
};
