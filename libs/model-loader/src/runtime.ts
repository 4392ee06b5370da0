import { Environment, type SessionOptions } from '@eidetic/ort';
import { type ModelConfig, modelPlanOf } from './settings.ts';

/** What says how the model is computed. */
type RuntimeConfig = Pick<
  ModelConfig,
  'provider' | 'cudaDevice' | 'cudaMemoryBytes' | 'onnxruntimeLibrary' | 'threads' | 'model' | 'cacheDirectory'
>;

/** The onnxruntime that the configuration names, and how its sessions compute. */
export interface Runtime {
  readonly environment: Environment;
  readonly session: SessionOptions;
}

/**
 * Loads onnxruntime, or finds it loaded.
 *
 * @throws EideticError `invalid_config` when it cannot be loaded
 */
export function loadRuntime(config: RuntimeConfig): Runtime {
  const { provider, cudaDevice, cudaMemoryBytes, onnxruntimeLibrary } = config;
  const environment = Environment.load(onnxruntimeLibrary === undefined ? {} : { libraryPath: onnxruntimeLibrary });
  const intraOpThreads = modelPlanOf(config).threads;
  if (provider === 'cpu') return { environment, session: { intraOpThreads } };
  const cuda = {
    deviceId: cudaDevice,
    gpu_mem_limit: cudaMemoryBytes,
    // The other strategy doubles each block, and so reserves for the KV cache up to twice what it takes.
    arena_extend_strategy: 'kSameAsRequested',
  };
  return { environment, session: { intraOpThreads, provider: { cuda } } };
}

/**
 * Looks for what the configured provider needs: to be called before a conversion, which may take long.
 *
 * @throws EideticError `invalid_config` that names every library that is missing and how to get it
 */
export function checkProvider(config: RuntimeConfig): void {
  if (config.provider === 'cuda') loadRuntime(config).environment.checkCuda();
}
