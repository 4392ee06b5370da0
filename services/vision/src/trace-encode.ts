import { inSpan, type Tracer } from '@eidetic/telemetry';
import type { ServedVision } from '@eidetic/vision-rpc';

/** The same, with a span for each picture that says where its time went. */
export const traceEncode = (encode: ServedVision['encode'], tracer: Tracer | undefined): ServedVision['encode'] => {
  if (tracer === undefined) return encode;
  return (picture, signal) =>
    inSpan(tracer, 'vision encode', { kind: 'server', parent: picture.traceparent }, async (span) => {
      const encoded = await encode(picture, signal);
      const { queueMs, decodeMs, preprocessMs, encodeMs, cacheWriteMs } = encoded.timings;
      span.set({
        'eidetic.cached': encoded.cached,
        'eidetic.queue_ms': queueMs,
        'eidetic.decode_ms': decodeMs,
        'eidetic.preprocess_ms': preprocessMs,
        'eidetic.encode_ms': encodeMs,
        'eidetic.cache_write_ms': cacheWriteMs,
      });
      return encoded;
    });
};
