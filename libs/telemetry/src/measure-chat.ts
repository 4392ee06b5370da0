import type { ChatEvent, ChatService } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import type { Metrics } from './metrics.ts';

const count = (event: ChatEvent, metrics: Metrics): void => {
  if (event.kind === 'started') {
    for (const { cached } of event.images) metrics.imageCacheLookups.inc({ outcome: cached ? 'hit' : 'miss' });
  } else if (event.kind === 'finished') {
    const { promptTokens, cachedTokens, imageTokens } = event.usage;
    metrics.chatPromptTokens.inc({ source: 'computed' }, promptTokens - cachedTokens);
    metrics.chatPromptTokens.inc({ source: 'cached' }, cachedTokens);
    metrics.chatImageTokens.inc(imageTokens);
  }
};

/**
 * The same service, counted: requests running and finished, time to first token, prompt tokens, image cache.
 *
 * @param now a clock in milliseconds.
 */
export const measureChat = (service: ChatService, metrics: Metrics, now: () => number): ChatService => ({
  get model() {
    return service.model;
  },
  async *chat(request, signal) {
    const startMs = now();
    let wroteText = false;
    // What remains when the caller leaves the iteration.
    let reason: string = 'cancelled';
    metrics.chatRequestsRunning.inc();
    try {
      for await (const event of service.chat(request, signal)) {
        count(event, metrics);
        if (event.kind === 'text' && !wroteText) {
          wroteText = true;
          metrics.chatFirstToken.observe((now() - startMs) / 1000);
        }
        if (event.kind === 'finished') reason = event.reason;
        yield event;
      }
    } catch (error) {
      reason = EideticError.from(error).code;
      throw error;
    } finally {
      metrics.chatRequestsRunning.dec();
      metrics.chatFinished.inc({ reason });
    }
  },
});
