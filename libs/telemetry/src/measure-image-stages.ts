import type { AroundImageStage } from '@eidetic/chat';
import type { ChatMetrics } from './chat-metrics.ts';
import { exemplarOf } from './exemplar.ts';

/**
 * Takes the time of what an image resolver does; of what fails, too.
 *
 * @param now a clock in milliseconds.
 */
export const measureImageStages = (
  { imageStages }: Pick<ChatMetrics, 'imageStages'>,
  now: () => number,
): AroundImageStage => {
  return (stage, { traceparent }, work) => {
    const startMs = now();
    const exemplarLabels = exemplarOf(traceparent);
    const observe = (): void =>
      imageStages.observe({ labels: { stage }, value: (now() - startMs) / 1000, exemplarLabels });
    const result = work();
    // Whoever has the result handles its failure.
    if (result instanceof Promise) result.then(observe, observe);
    else observe();
    return result;
  };
};
