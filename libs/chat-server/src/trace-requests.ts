import { toTraceparent, traceIdOf } from '@eidetic/core';
import type { Tracer } from '@eidetic/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The page, its files, health and metrics are asked for all the time and do nothing that a trace could explain. */
const TRACED = /^\/v1\//;

/**
 * A Fastify hook (`onRequest`) that gives a request of the API a span until its connection is done with it, going on with the trace
 * of the client if there is one, and its log lines the id of the trace.
 */
export const traceRequests =
  (tracerNow: () => Tracer | undefined) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { url: route } = request.routeOptions;
    if (route === undefined || !TRACED.test(route)) return;
    const { method, headers, raw } = request;
    const parent = toTraceparent(headers.traceparent);
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = tracerNow()?.start(`${method} ${route}`, { kind: 'server', parent, attributes });
    if (span !== undefined) {
      // Whoever reads the header from here on works for this span, as if it came from another process.
      raw.headers.traceparent = span.traceparent;
      reply.raw.once('close', () => {
        span.set({ 'http.response.status_code': reply.statusCode });
        span.end();
      });
    }
    const traceId = traceIdOf(span?.traceparent ?? parent);
    if (traceId === undefined) return;
    request.log = request.log.child({ traceId });
    reply.log = request.log;
  };
