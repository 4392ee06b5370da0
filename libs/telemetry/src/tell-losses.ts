import type { SpanExporter } from '@opentelemetry/sdk-trace';

/** Told that spans do not arrive, with the reason, or that they do again. Must not throw. */
export type OnDelivery = (delivered: boolean, reason?: Error) => void;

/** Of OpenTelemetry's ExportResultCode. */
const SUCCESS = 0;

/** The same exporter; of losses the first is told, and then that they have ended. */
export const tellLosses = (exporter: SpanExporter, onDelivery: OnDelivery): SpanExporter => {
  let delivering = true;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const delivered = result.code === SUCCESS;
        if (delivered !== delivering) onDelivery(delivered, result.error);
        delivering = delivered;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
};
