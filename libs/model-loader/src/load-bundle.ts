import { type Bundle, openBundle, verifyBundle } from '@eidetic/bundle';
import { type ConvertProgress, DEFAULT_PRECISIONS, ensureBundle } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { type ModelConfig, modelPlanOf } from './settings.ts';

/** Whom to tell how far the loading is, and who may give it up. */
export interface LoadContext {
  /** Receives a line whenever there is something to say. */
  readonly onProgress: (step: string) => void;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
}

/** Says every ten percent how far a conversion is. */
const conversionSteps = (model: string, onProgress: LoadContext['onProgress']) => {
  let said = -1;
  return ({ doneBytes, totalBytes }: ConvertProgress): void => {
    const tenths = Math.floor((10 * doneBytes) / totalBytes);
    if (tenths === said) return;
    said = tenths;
    onProgress(`Converting ${model}: ${tenths * 10} %`);
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
      decoder: decoderPrecision === 'auto' ? precisions.decoder : decoderPrecision,
      head: headPrecision === 'auto' ? precisions.head : headPrecision,
    },
    activations,
  } as const;
};

/** A bundle that was made elsewhere, every byte of it as its manifest says. */
const openWhole = async (directory: string, signal: AbortSignal): Promise<Bundle> => {
  const bundle = await openBundle(directory);
  await verifyBundle(bundle, signal);
  return bundle;
};

/**
 * The configured bundle, or that of the configured checkpoint; converts it unless that has been done before.
 *
 * @throws EideticError `invalid_checkpoint`, `invalid_bundle`; `cancelled` when the signal is aborted.
 */
export const loadBundle = async (config: ModelConfig, { onProgress, signal }: LoadContext): Promise<Bundle> => {
  const { modelDirectory, isBundle, modelName } = modelPlanOf(config);
  const bundle = isBundle
    ? await openWhole(modelDirectory, signal)
    : await ensureBundle({ ...conversionOf(config), onProgress: conversionSteps(modelName, onProgress), signal });
  signal.throwIfAborted();
  onProgress(`Loading ${modelName}`);
  return bundle;
};
