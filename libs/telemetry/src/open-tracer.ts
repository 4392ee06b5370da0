import { type Config, type ConfigDefinition, httpUrl, optional } from '@eidetic/config';
import type { createLogger } from './logger.ts';
import type { Tracer } from './tracer.ts';

/** Where traces go, in every service. */
export const TRACE_SETTINGS = {
  otlpEndpoint: {
    name: 'EIDETIC_OTLP_ENDPOINT',
    description:
      'OpenTelemetry receiver that gets traces over OTLP/HTTP, as http://collector:4318; none: nothing is traced.',
    kind: optional(httpUrl()),
    default: 'none',
  },
} as const satisfies ConfigDefinition;

/** What {@link TRACE_SETTINGS} load into. */
export type TraceConfig = Config<typeof TRACE_SETTINGS>;

/** The tracer that the configuration names, if it names one; `logger` is told when it cannot deliver. */
export const openTracer = async (
  { otlpEndpoint: endpoint }: TraceConfig,
  who: { readonly service: string; readonly version: string },
  logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn'>,
): Promise<Tracer | undefined> => {
  if (endpoint === undefined) return undefined;
  // Loading it takes 150 ms and 18 MiB, which whoever does not trace is spared.
  const { OtelTracer } = await import('./otel-tracer.ts');
  return new OtelTracer({
    ...who,
    endpoint,
    onDelivery(delivered, reason) {
      if (delivered) logger.info('Traces are delivered again.');
      else logger.warn({ err: reason }, 'Traces cannot be delivered: spans are lost.');
    },
  });
};
