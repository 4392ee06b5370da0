import type { Bundle } from '@eidetic/bundle';
import { createImagePool, DEFAULT_IMAGE_LIMITS, type ImageLimits } from '@eidetic/image';
import { createPreprocess } from '@eidetic/qwen-vl';
import { createVisionEncoder, type LocalVisionEncoder, type VisionEncoderOptions } from '@eidetic/vision';
import type { LoadContext } from './load-context.ts';
import { mapWeights } from './packed-weights.ts';
import { loadRuntime } from './runtime.ts';
import { type ModelConfig, modelPlanOf, type VisionConfig } from './settings.ts';

/** What a vision encoder is made of besides its bundle and its settings. */
export type VisionParts = Pick<VisionEncoderOptions, 'onBatch'>;

/** A vision encoder, and how to let go of it and of the threads that decode its pictures. */
export interface StartedVision extends AsyncDisposable {
  readonly encoder: LocalVisionEncoder;
}

/** What pictures are refused for. */
export const imageLimitsOf = ({ maxImageBytes, maxImagePixels }: VisionConfig): ImageLimits => ({
  ...DEFAULT_IMAGE_LIMITS,
  maxBytes: maxImageBytes,
  maxPixels: maxImagePixels,
});

/**
 * A vision encoder over a bundle, of which only the vision graph is loaded, set up as the configuration says.
 *
 * @throws EideticError what {@link createVisionEncoder} throws.
 */
export const startVision = async (
  bundle: Bundle,
  config: ModelConfig & VisionConfig,
  context: LoadContext,
  parts: VisionParts = {},
): Promise<StartedVision> => {
  const { cacheDirectory } = modelPlanOf(config);
  const mapped = await mapWeights({ bundle, part: 'vision', cacheDirectory, runtime: loadRuntime(config) }, context);
  await using resources = new AsyncDisposableStack();
  const images = createImagePool({ threads: config.imageThreads, limits: imageLimitsOf(config) });
  resources.defer(() => images.close());
  const encoder = await createVisionEncoder({
    ...mapped,
    preprocess: createPreprocess(images, bundle.manifest.vision.imageSize),
    maxBatch: config.visionBatch,
    ...parts,
  });
  resources.defer(() => encoder.close());
  const kept = resources.move();
  return { encoder, [Symbol.asyncDispose]: () => kept.disposeAsync() };
};
