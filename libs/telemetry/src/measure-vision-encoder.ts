import type { VisionEncoder } from '@eidetic/core';
import type { ImageMetrics } from './image-metrics.ts';

/** The same encoder, counted: where the time of each picture goes. */
export const measureVisionEncoder = (encoder: VisionEncoder, metrics: ImageMetrics): VisionEncoder => ({
  fingerprint: encoder.fingerprint,
  tokensPerImage: encoder.tokensPerImage,
  async encode(images, signal) {
    const results = await encoder.encode(images, signal);
    for (const result of results) {
      if (!result.ok) continue;
      const { decodeMs, preprocessMs, encodeMs } = result.timings;
      metrics.encode.observe({ stage: 'decode' }, decodeMs / 1000);
      metrics.encode.observe({ stage: 'preprocess' }, preprocessMs / 1000);
      metrics.encode.observe({ stage: 'encode' }, encodeMs / 1000);
    }
    return results;
  },
});
