import type { AroundImageStage } from '@eidetic/chat';
import type { ChatMetrics } from './chat-metrics.ts';

/**
 * Takes the time of what an image resolver does; of what fails, too.
 *
 * @param now a clock in milliseconds.
 */
export const measureImageStages = (
  { imageStages }: Pick<ChatMetrics, 'imageStages'>,
  now: () => number,
): AroundImageStage => {
  const children = {
    fetch: imageStages.labels({ stage: 'fetch' }),
    hash: imageStages.labels({ stage: 'hash' }),
    lookup: imageStages.labels({ stage: 'lookup' }),
    encode: imageStages.labels({ stage: 'encode' }),
  };
  return (stage, work) => {
    const startMs = now();
    const observe = (): void => children[stage].observe((now() - startMs) / 1000);
    const result = work();
    // Whoever has the result handles its failure.
    if (result instanceof Promise) result.then(observe, observe);
    else observe();
    return result;
  };
};
