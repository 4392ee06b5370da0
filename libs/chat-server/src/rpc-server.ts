import { type ChatRpcParts, chatRpcService, imageRpcService } from '@eidetic/chat-rpc';
import { traceIdOf } from '@eidetic/core';
import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { logCall } from '@eidetic/rpc-service';
import type { createLogger, RpcMetrics } from '@eidetic/telemetry';
import type { CertificateFiles } from '@eidetic/tls';

/** What the server is made of. */
export interface ChatRpcServerParts {
  readonly api: Omit<ChatRpcParts, 'onAnswered'>;
  readonly metrics: RpcMetrics;
  readonly logger: ReturnType<typeof createLogger>;
  readonly maxConnectionAgeMs: number;
  /** Absent: nothing is encrypted. */
  readonly certificates: CertificateFiles | undefined;
}

/** The gRPC API, with health and reflection; not listening yet. */
export const createChatRpcServer = ({ api, metrics, logger, ...options }: ChatRpcServerParts): RpcServer => {
  const log = logCall(logger);
  const parts: ChatRpcParts = {
    ...api,
    onAnswered({ traceparent, ...answered }) {
      const traceId = traceIdOf(traceparent);
      logger.info({ ...answered, ...(traceId && { traceId }) }, 'answered');
    },
  };
  return new RpcServer({
    services: [chatRpcService(parts), imageRpcService(parts)],
    descriptors: readDescriptors(),
    maxArrivalMs: api.limits.requestDeadlineMs,
    ...options,
    onEnd(call) {
      metrics.calls.inc({ method: call.method, outcome: call.code });
      log(call);
    },
  });
};
