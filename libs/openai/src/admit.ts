import type { AccessControl, Admission } from '@eidetic/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const admissions = new WeakMap<FastifyRequest, Admission>();

const apiKeyOf = (authorization: string | undefined): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];

/** Lets requests in by their `Authorization: Bearer` header, before anything of their body is read, until their connection or answer ends. */
export const admitRequests = (app: FastifyInstance, access: AccessControl): void => {
  app.addHook('onRequest', async (request, reply) => {
    const admission = await access.admit({ apiKey: apiKeyOf(request.headers.authorization) });
    admissions.set(request, admission);
    reply.raw.once('close', () => admission.release());
  });
};

/** Whom a request is for; undefined: one that all who say nothing share. */
export const tenantOf = (request: FastifyRequest): string | undefined => admissions.get(request)?.tenant;
