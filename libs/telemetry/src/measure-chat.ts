import type { ChatEvent, ChatService } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import type { ChatMetrics } from './chat-metrics.ts';
import { exemplarOf } from './exemplar.ts';

const count = (event: ChatEvent, metrics: ChatMetrics): void => {
  if (event.kind === 'started') {
    for (const { cached } of event.images) metrics.imageCacheLookups.inc({ outcome: cached ? 'hit' : 'miss' });
  } else if (event.kind === 'finished') {
    metrics.imageTokens.inc(event.usage.imageTokens);
  }
};

/**
 * The same service, measured: requests running and finished, time to first token, tokens and cache lookups of pictures.
 *
 * @param now a clock in milliseconds.
 */
export const measureChat = (service: ChatService, metrics: ChatMetrics, now: () => number): ChatService => ({
  get model() {
    return service.model;
  },
  get facts() {
    return service.facts;
  },
  async *chat(request, signal) {
    const startMs = now();
    let wroteText = false;
    // What remains when the caller leaves the iteration.
    let outcome: string = 'cancelled';
    metrics.requestsRunning.inc();
    try {
      for await (const event of service.chat(request, signal)) {
        count(event, metrics);
        if (event.kind === 'text' && !wroteText) {
          wroteText = true;
          const value = (now() - startMs) / 1000;
          metrics.firstToken.observe({ value, exemplarLabels: exemplarOf(request.traceparent) });
        }
        if (event.kind === 'finished') outcome = event.reason;
        yield event;
      }
    } catch (error) {
      outcome = EideticError.from(error).code;
      throw error;
    } finally {
      metrics.requestsRunning.dec();
      metrics.finished.inc({ outcome });
    }
  },
});
