import { type AccessControl, type Admission, apiKeyOf } from '@eidetic/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { allowanceHeaders } from './rate-limit-headers.ts';
import { whenClosed } from './when-closed.ts';

const admissions = new WeakMap<FastifyRequest, Admission>();

/**
 * Lets requests in by their `Authorization: Bearer` header, before anything of their body is read, until their connection or answer ends.
 * What is posted counts against the limits of its key; to look costs nothing.
 */
export const admitRequests = (app: FastifyInstance, access: AccessControl): void => {
  app.addHook('onRequest', async (request, reply) => {
    const kind = request.method === 'POST' ? 'work' : 'look';
    const admission = await access.admit({ apiKey: apiKeyOf(request.headers.authorization) }, kind);
    admissions.set(request, admission);
    whenClosed(reply, () => admission.release());
    if (admission.requests !== undefined) reply.headers(allowanceHeaders(admission.requests));
  });
};

/** Whom a request is for; undefined: one that all who say nothing share. */
export const tenantOf = (request: FastifyRequest): string | undefined => admissions.get(request)?.tenant;
