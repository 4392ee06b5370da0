import { type Bundle, openBundle, verifyBundle } from '@eidetic/bundle';
import { type ConvertProgress, ensureBundle } from '@eidetic/exporter';
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

/** How the configured checkpoint is converted. */
export const conversionOf = (config: ModelConfig) => {
  const { modelDirectory, cacheDirectory } = modelPlanOf(config);
  return {
    checkpointDirectory: modelDirectory,
    cacheDirectory,
    family: qwenVlExport,
    precisions: { vision: config.visionPrecision, decoder: config.decoderPrecision, head: config.headPrecision },
    activations: 'float32',
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
