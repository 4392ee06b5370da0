import { EideticError } from '@eidetic/core';
import cors from '@fastify/cors';
import type { FastifyPluginAsync, FastifyPluginCallback, onRequestAsyncHookHandler } from 'fastify';

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

/**
 * Refuses what a browser says that a page of another site sends: a form needs nobody's consent to post a file, and its page does not
 * see the answer, but it would be taken. Whoever sends it is asked, rather than the address compared, which proxies change.
 */
const refuseOtherSites =
  (origins: readonly string[]): onRequestAsyncHookHandler =>
  async ({ headers }) => {
    const { origin, 'sec-fetch-site': site } = headers;
    if (site !== 'cross-site' && site !== 'same-site') return;
    if (origins.includes('*') || (origin !== undefined && origins.includes(origin))) return;
    throw new EideticError('permission_denied', 'Pages of other sites may not use this server, unless it names them.');
  };

/** The routes of `plugin`, open to scripts of pages from these origins only; `*` is all of them. Cookies are never asked for. */
export const crossOrigin =
  (origins: readonly string[], plugin: FastifyPluginCallback): FastifyPluginAsync =>
  async (app) => {
    if (origins.length > 0) {
      await app.register(cors, {
        origin: [...origins],
        methods: ['GET', 'HEAD', 'POST', 'DELETE'],
        exposedHeaders: EXPOSED_HEADERS,
        maxAge: PREFLIGHT_SECONDS,
        // Otherwise OPTIONS that is no preflight gets an error in a form of its own.
        strictPreflight: false,
      });
    }
    app.addHook('onRequest', refuseOtherSites(origins));
    await app.register(plugin);
  };
