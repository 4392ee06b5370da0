import { type ChannelOptions, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

// What it writes to standard error, it says by errors as well.
setLogVerbosity(logVerbosity.NONE);

/**
 * Largest message either side sends or takes: the embeddings of seven pictures of the full-size model (256 x 4096 float32). grpc-js
 * takes 4 MiB by default and sends without limit.
 */
export const MAX_MESSAGE_BYTES = 32 * 2 ** 20;

/** Longest silence on a connection before the other side is asked whether it is still there, and longest wait for its answer. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 20_000, 'grpc.keepalive_timeout_ms': 5000 } as const;

/** What servers and clients have in common. */
export const SHARED_OPTIONS: ChannelOptions = {
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  ...KEEPALIVE,
};

/** Metadata that carries trace context from client to server, as OpenTelemetry's instrumentations of gRPC do. */
export const TRACEPARENT = 'traceparent';
