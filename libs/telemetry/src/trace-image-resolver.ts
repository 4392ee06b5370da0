import type { ImageResolver } from '@eidetic/chat';
import { inSpan, type Tracer } from './tracer.ts';

/** The same resolver, with a span for all pictures of a request. */
export const traceImageResolver = (resolver: ImageResolver, tracer: Tracer | undefined): ImageResolver => {
  if (tracer === undefined) return resolver;
  return {
    resolve: (sources, context, signal) => {
      const options = { parent: context.traceparent, attributes: { 'eidetic.images': sources.length } };
      return inSpan(tracer, 'resolve images', options, async (span) => {
        const found = await resolver.resolve(sources, { ...context, traceparent: span.traceparent }, signal);
        span.set({ 'eidetic.images.cached': found.filter(({ cached }) => cached).length });
        return found;
      });
    },
  };
};
