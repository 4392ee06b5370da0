import { type Bundle, type BundlePart, openBundle, verifyBundle } from '@eidetic/bundle';
import { type ConvertProgress, DEFAULT_PRECISIONS, ensureBundle, paceText } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import type { LoadContext } from './load-context.ts';
import { type ModelConfig, modelPlanOf } from './settings.ts';
import { sweepCache } from './sweep-cache.ts';
import { verifiedIn } from './verified-in.ts';

/** Says every ten percent how far a conversion is, how fast it goes and how long it still takes. */
const conversionSteps = (model: string, onProgress: LoadContext['onProgress']) => {
  const started = performance.now();
  let said = -1;
  return (progress: ConvertProgress): void => {
    const tenths = Math.floor((10 * progress.doneBytes) / progress.totalBytes);
    if (tenths === said) return;
    said = tenths;
    const pace = paceText(progress, (performance.now() - started) / 1000);
    onProgress(`Converting ${model}: ${tenths * 10} %${pace && `, ${pace}`}`);
  };
};

/** What each provider computes in, and the weights that it does best with: CUDA's attention knows float16 only. */
const FORMATS = {
  cpu: { activations: 'float32', precisions: DEFAULT_PRECISIONS },
  cuda: { activations: 'float16', precisions: { vision: 'float16', decoder: 'float16', head: 'float16' } },
} as const;

/** How the configured checkpoint is converted for the configured provider. */
export const conversionOf = (config: ModelConfig) => {
  const { modelDirectory, cacheDirectory } = modelPlanOf(config);
  const { visionPrecision, decoderPrecision, headPrecision } = config;
  const { activations, precisions } = FORMATS[config.provider];
  return {
    checkpointDirectory: modelDirectory,
    cacheDirectory,
    family: qwenVlExport,
    precisions: {
      vision: visionPrecision === 'auto' ? precisions.vision : visionPrecision,
      decoder: decoderPrecision === 'auto' ? { unlessQuantized: precisions.decoder } : decoderPrecision,
      head: headPrecision === 'auto' ? precisions.head : headPrecision,
    },
    activations,
  } as const;
};

/**
 * The configured bundle, or that of the configured checkpoint; converts it unless that has been done before. The files of the parts that
 * will be loaded are compared with their checksums, once for each file and its content. What killed conversions left in the cache goes.
 *
 * @param parts none: what is needed to talk about the model, without its weights
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`; `cancelled` when the signal is aborted.
 */
export const loadBundle = async (
  config: ModelConfig,
  { onProgress, signal }: LoadContext,
  parts: readonly BundlePart[],
): Promise<Bundle> => {
  const { modelDirectory, isBundle, modelName, cacheDirectory } = modelPlanOf(config);
  const verify = (bundle: Bundle): Promise<void> =>
    verifyBundle(bundle, { parts, memory: verifiedIn(cacheDirectory), signal });
  const open = async (): Promise<Bundle> => {
    const bundle = await openBundle(modelDirectory);
    await verify(bundle);
    return bundle;
  };
  await sweepCache(cacheDirectory);
  const onConverted = conversionSteps(modelName, onProgress);
  const bundle = isBundle
    ? await open()
    : await ensureBundle({ ...conversionOf(config), onProgress: onConverted, verify, signal });
  signal.throwIfAborted();
  onProgress(`Loading ${modelName}`);
  return bundle;
};
