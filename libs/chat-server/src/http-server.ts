import { maxHeaderSize } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { answerErrors, earlyErrors, type OpenaiApiOptions, type OpenaiApiParts, openaiApi } from '@eidetic/openai';
import { type HttpMetrics, metricsPage, type Registry, type Tracer } from '@eidetic/telemetry';
import type { CertificateFiles } from '@eidetic/tls';
import { pageDirectory } from '@eidetic/web';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { crossOrigin } from './cross-origin.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { traceRequests } from './trace-requests.ts';
import { webPage } from './web-page.ts';

/** Answers of `/readyz`: whether a chat would be answered now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly status: string;
}

/** What the server is made of. */
export interface HttpServerParts {
  readonly api: OpenaiApiParts;
  readonly readiness: () => Readiness;
  readonly metrics: { readonly registry: Registry; readonly http: HttpMetrics };
  /** Undefined as long as nothing is traced. */
  readonly tracer: () => Tracer | undefined;
  readonly logger: FastifyBaseLogger;
  readonly limits: OpenaiApiOptions;
  /** Connections at a time; more are closed at once. */
  readonly maxConnections: number;
  /** Whose pages may use the API from a browser, beside our own. */
  readonly corsOrigins: readonly string[] | undefined;
  /** Absent: nothing is encrypted. */
  readonly certificates: CertificateFiles | undefined;
}

/** Routes for which a line in the log would only be noise. */
const QUIET_ROUTES: readonly (string | undefined)[] = ['/healthz', '/readyz', '/metrics'];

/** Longest time that the headers of a request may take to arrive. */
const HEADERS_TIMEOUT_MS = 60_000;

/** Has a server that encrypts show the certificates that are in the files, until it closes. */
const useNewest = (certificates: CertificateFiles, app: FastifyInstance): void => {
  const { server } = app;
  const leave = certificates.listen(({ identity }) => {
    if (server instanceof TlsServer && identity !== undefined) server.setSecureContext(identity);
  });
  app.addHook('onClose', async () => leave());
};

/** The API under `/v1`, the web page under `/`, `/healthz`, `/readyz` and `/metrics`; not listening yet. */
export const createHttpServer = ({
  api,
  readiness,
  metrics,
  tracer,
  logger,
  limits,
  maxConnections,
  corsOrigins,
  certificates,
}: HttpServerParts): FastifyInstance => {
  const timeouts = {
    // Of the two limits, Node takes the longer one for the body.
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, limits.requestDeadlineMs),
    // It looks every half minute otherwise.
    connectionsCheckingInterval: 1000,
  };
  const app = fastify({
    loggerInstance: logger,
    ...earlyErrors,
    requestTimeout: limits.requestDeadlineMs,
    http: timeouts,
    ...(certificates && { https: { ...timeouts, ...certificates.current.identity } }),
    // A name is as long as it may be: Node limits the whole address. Fastify's own limit answers before the routes do.
    routerOptions: { maxParamLength: maxHeaderSize },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
  });
  if (certificates !== undefined) useNewest(certificates, app);
  app.server.maxConnections = maxConnections;
  addSecurityHeaders(app);
  app.addHook('onRequest', traceRequests(tracer));
  app.addHook('onResponse', async (request, reply) => {
    const { url: route } = request.routeOptions;
    const { method } = request;
    metrics.http.requests.inc({ method, route: route ?? 'unknown', status: reply.statusCode });
    const level = QUIET_ROUTES.includes(route) ? 'debug' : 'info';
    request.log[level]({ method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
  });
  answerErrors(app);
  app.get('/healthz', () => ({ status: 'alive' }));
  app.get('/readyz', (_, reply) => {
    const { ready, status } = readiness();
    return reply.code(ready ? 200 : 503).send({ status });
  });
  app.get('/metrics', async ({ headers }, reply) => {
    const { contentType, text } = await metricsPage(metrics.registry, headers.accept);
    return reply.type(contentType).send(text);
  });
  void app.register(webPage(pageDirectory));
  void app.register(crossOrigin(corsOrigins ?? [], openaiApi(api, limits)));
  return app;
};
