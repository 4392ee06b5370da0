import type { ImageFetcher } from '@eidetic/core';
import { inSpan, type Tracer } from './tracer.ts';

/** The same fetcher, with a span for each picture. The server of the picture is told nothing of it. */
export const traceImageFetcher = (
  fetcher: ImageFetcher | undefined,
  tracer: Tracer | undefined,
): ImageFetcher | undefined => {
  if (fetcher === undefined || tracer === undefined) return fetcher;
  return {
    fetch: (url, context, signal) =>
      inSpan(tracer, 'fetch picture', { kind: 'client', parent: context.traceparent }, async (span) => {
        const image = await fetcher.fetch(url, context, signal);
        span.set({ 'eidetic.image.bytes': image.bytes.length });
        return image;
      }),
  };
};
