import { EideticError } from '@eidetic/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;

/** Answers the methods that a route does not have with `method_not_allowed` and the list of those that it has. */
export const refuseOtherMethods = (
  app: FastifyInstance,
  url: string,
  allowed: readonly (typeof METHODS)[number][],
): void => {
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    reply.header('allow', allowed.join(', '));
    throw new EideticError('method_not_allowed', `${request.method} ${request.url}: use ${allowed[0]}.`);
  };
  const others = METHODS.filter((method) => !allowed.includes(method));
  app.route({ method: others, url, onRequest: async (request, reply) => refuse(request, reply), handler: refuse });
};
