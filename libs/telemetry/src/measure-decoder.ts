import type { Decoder } from '@eidetic/core';
import type { Metrics } from './metrics.ts';

/**
 * The same decoder, counted: tokens generated and the time between them.
 *
 * @param now a clock in milliseconds.
 */
export const measureDecoder = (decoder: Decoder, metrics: Metrics, now: () => number): Decoder => ({
  maxContext: decoder.maxContext,
  async *generate(request, signal) {
    let previousMs: number | undefined;
    for await (const event of decoder.generate(request, signal)) {
      if (event.kind === 'token') {
        const tokenMs = now();
        metrics.chatGenerationTokens.inc();
        if (previousMs !== undefined) metrics.chatInterToken.observe((tokenMs - previousMs) / 1000);
        previousMs = tokenMs;
      }
      yield event;
    }
  },
});
