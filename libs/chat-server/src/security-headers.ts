import type { FastifyInstance } from 'fastify';

/**
 * For whatever is answered, unless its route says otherwise: no browser runs it, frames it, guesses what it is, keeps it, or
 * lets other sites embed it. The page has a policy of its own.
 */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Adds them to all answers of `app`, errors included. */
export const addSecurityHeaders = (app: FastifyInstance): void => {
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(HEADERS);
  });
};
