import { openBundle } from '@eidetic/bundle';
import * as ort from 'onnxruntime-node';
import { serve, type VisionPeer } from './protocol.ts';
import type { StockOrtOptions } from './stock-ort.ts';

/** Stock onnxruntime-node on the bundle's vision encoder, with pixels at hand. */
await serve<StockOrtOptions, VisionPeer>(async ({ bundleDirectory, threads }) => {
  const bundle = await openBundle(bundleDirectory);
  const { graph, imageSize } = bundle.manifest.vision;
  const session = await ort.InferenceSession.create(bundle.path(graph), { intraOpNumThreads: threads });
  return {
    async encode(pictures) {
      const shape = [pictures.length, imageSize, imageSize, 3];
      const bytes = new Uint8Array(shape.reduce((product, size) => product * size, 1)).fill(128);
      const pixels = new ort.Tensor('uint8', bytes, shape);
      const start = performance.now();
      await session.run({ pixels });
      const graphMs = performance.now() - start;
      return { graphMs, totalMs: graphMs };
    },
  };
});
