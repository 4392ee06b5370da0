import { openBundle } from '@eidetic/bundle';
import { createImagePool } from '@eidetic/image';
import { Environment } from '@eidetic/ort';
import { createPreprocess } from '@eidetic/qwen-vl';
import { createVisionEncoder } from '@eidetic/vision';
import { serve, type VisionPeer } from './protocol.ts';
import type { StockOrtOptions } from './stock-ort.ts';

/** Most pictures of one run. */
const MAX_BATCH = 8;

/** The vision encoder of this repository, decoding included. */
await serve<StockOrtOptions, VisionPeer>(async ({ bundleDirectory, threads }) => {
  const bundle = await openBundle(bundleDirectory);
  const pool = createImagePool({ threads });
  const encoder = await createVisionEncoder({
    bundle,
    environment: Environment.load(),
    session: { intraOpThreads: threads },
    preprocess: createPreprocess(pool, bundle.manifest.vision.imageSize),
    maxBatch: MAX_BATCH,
  });
  return {
    async encode(pictures) {
      const start = performance.now();
      const results = await encoder.encode(pictures);
      const totalMs = performance.now() - start;
      const runs = results.map((result) => {
        if (!result.ok) throw result.error;
        return result.timings.encodeMs;
      });
      return { graphMs: Math.max(...runs), totalMs };
    },
  };
});
