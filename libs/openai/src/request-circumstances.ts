import { toTraceparent } from '@eidetic/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tenantOf } from './admit.ts';
import type { ChatCircumstances } from './begin-chat.ts';
import { lifeOf } from './request-life.ts';

/** Whom a request is answered for, and until when. */
export const circumstancesOf = (
  request: FastifyRequest,
  reply: FastifyReply,
  requestDeadlineMs: number,
): ChatCircumstances => ({
  tenant: tenantOf(request),
  deadlineMs: Date.now() + requestDeadlineMs,
  traceparent: toTraceparent(request.headers.traceparent),
  signal: lifeOf(reply, requestDeadlineMs),
  log: request.log,
});
