import cors from '@fastify/cors';
import type { FastifyPluginAsync, FastifyPluginCallback } from 'fastify';

/** What scripts of other sites may read beside the body. */
const EXPOSED_HEADERS = [
  'retry-after',
  'x-request-id',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
];

/** Time for which a browser need not ask again. */
const PREFLIGHT_SECONDS = 600;

/** The routes of `plugin`, open to scripts of pages from these origins; `*` is all of them. Cookies are never asked for. */
export const crossOrigin =
  (origins: readonly string[], plugin: FastifyPluginCallback): FastifyPluginAsync =>
  async (app) => {
    await app.register(cors, {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: PREFLIGHT_SECONDS,
      // Otherwise OPTIONS that is no preflight gets an error in a form of its own.
      strictPreflight: false,
    });
    await app.register(plugin);
  };
