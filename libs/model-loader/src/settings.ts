import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleNameOf, precisionSchema } from '@eidetic/bundle';
import {
  boolean,
  type Config,
  type ConfigDefinition,
  duration,
  integer,
  oneOf,
  optional,
  size,
  text,
} from '@eidetic/config';

const MAX_INTEGER = 2 ** 31 - 1;
const precision = oneOf(['auto', ...precisionSchema.options]);

/** Which model is served, and how it is converted. All three precisions are part of what a bundle is, whatever is loaded of it. */
export const MODEL_SETTINGS = {
  model: {
    name: 'EIDETIC_MODEL',
    description:
      "Model to serve: a checkpoint folder as published on Hugging Face, or a bundle, whose precisions are then those that count. Relative to the project's folder.",
    kind: text(),
    default: 'models/qwen-vl-nano-chat',
  },
  cacheDirectory: {
    name: 'EIDETIC_CACHE_DIR',
    description: "Where converted models are kept. Relative to the project's folder.",
    kind: text(),
    default: '.cache/bundles',
  },
  visionPrecision: {
    name: 'EIDETIC_VISION_PRECISION',
    description: 'Weights of the vision encoder; auto: float32 on a CPU, float16 on a GPU.',
    kind: precision,
    default: 'auto',
  },
  decoderPrecision: {
    name: 'EIDETIC_DECODER_PRECISION',
    description:
      'Weights of the language model; auto: int8 on a CPU, float16 on a GPU, int4 where the checkpoint has it in 4 bits (GPTQ).',
    kind: precision,
    default: 'auto',
  },
  headPrecision: {
    name: 'EIDETIC_HEAD_PRECISION',
    description: 'Weights of the projection onto the vocabulary; auto: int8 on a CPU, float16 on a GPU.',
    kind: precision,
    default: 'auto',
  },
  provider: {
    name: 'EIDETIC_PROVIDER',
    description:
      'What computes: the CPU, or an NVIDIA GPU by CUDA 13 (docs/models.md says what that needs). A gateway computes nothing, and knows by it how the model is converted.',
    kind: oneOf(['cpu', 'cuda']),
    default: 'cpu',
  },
  cudaDevice: {
    name: 'EIDETIC_CUDA_DEVICE',
    description: 'Which GPU computes, of those that the process sees, from 0 on.',
    kind: integer({ min: 0, max: 1023 }),
    default: '0',
  },
  cudaMemoryBytes: {
    name: 'EIDETIC_CUDA_MEMORY',
    description:
      'Most memory of the GPU that each of the two graphs may take, with weights, keys and values; none: what there is.',
    kind: optional(size()),
    default: 'none',
  },
  onnxruntimeLibrary: {
    name: 'EIDETIC_ONNXRUNTIME_LIBRARY',
    description:
      'The libonnxruntime.so to load, with its CUDA provider beside it, such as that of the Python wheel onnxruntime-gpu; none: the one that comes along, which computes on the CPU.',
    kind: optional(text()),
    default: 'none',
  },
  threads: {
    name: 'EIDETIC_THREADS',
    description: 'Threads that compute; 0 takes one per core.',
    kind: integer({ min: 0, max: 1024 }),
    default: '0',
  },
} as const satisfies ConfigDefinition;

/** How the vision encoder is run. */
export const VISION_SETTINGS = {
  imageThreads: {
    name: 'EIDETIC_IMAGE_THREADS',
    description: 'Threads that decode pictures; each may hold one picture in memory.',
    kind: integer({ min: 1, max: 1024 }),
    default: '2',
  },
  visionBatch: {
    name: 'EIDETIC_VISION_BATCH',
    description: 'Most pictures that the vision encoder takes at once.',
    kind: integer({ min: 1, max: 256 }),
    default: '8',
  },
  maxImageBytes: {
    name: 'EIDETIC_MAX_IMAGE_SIZE',
    description: 'Largest picture as it is sent.',
    kind: size(),
    default: '20MiB',
  },
  maxImagePixels: {
    name: 'EIDETIC_MAX_IMAGE_PIXELS',
    description: 'Most pixels of one picture.',
    kind: integer({ min: 1, max: MAX_INTEGER }),
    default: '50000000',
  },
} as const satisfies ConfigDefinition;

/** How the language model is run. */
export const ENGINE_SETTINGS = {
  slots: {
    name: 'EIDETIC_SLOTS',
    description: 'Answers that are generated at the same time; each has key/value memory of its own.',
    kind: integer({ min: 1, max: 256 }),
    default: '4',
  },
  maxWaiting: {
    name: 'EIDETIC_MAX_WAITING',
    description: 'Requests that may wait for a slot; more are refused with status 429.',
    kind: integer({ min: 0, max: 100_000 }),
    default: '64',
  },
  maxContext: {
    name: 'EIDETIC_MAX_CONTEXT',
    description:
      "Most positions of one dialog, pictures and answer included; 0 takes the model's, and more than that is refused.",
    kind: integer({ min: 0, max: MAX_INTEGER }),
    default: '0',
  },
  prefillChunk: {
    name: 'EIDETIC_PREFILL_CHUNK',
    description: 'Most prompt positions that are computed at a time.',
    kind: integer({ min: 4, max: 65_536 }),
    default: '256',
  },
  prefillPercent: {
    name: 'EIDETIC_PREFILL_PERCENT',
    description:
      'Share of the time that new prompts may take from running answers, in percent: with 50, their tokens come about half as fast while a prompt is computed; with 100, they wait for whole chunks.',
    kind: integer({ min: 1, max: 100 }),
    default: '50',
  },
  cudaGraphs: {
    name: 'EIDETIC_CUDA_GRAPHS',
    description:
      'Whether decode steps on a GPU are captured as CUDA graphs, one for each number of answers that run together, and replayed.',
    kind: boolean(),
    default: 'false',
  },
  priorityAgingMs: {
    name: 'EIDETIC_PRIORITY_AGING',
    description: 'Wait after which requests of a priority count as one higher, so that none waits forever.',
    kind: duration(1),
    default: '10s',
  },
} as const satisfies ConfigDefinition;

/** What {@link MODEL_SETTINGS} load into. */
export type ModelConfig = Config<typeof MODEL_SETTINGS>;

/** What {@link VISION_SETTINGS} load into. */
export type VisionConfig = Config<typeof VISION_SETTINGS>;

/** What {@link ENGINE_SETTINGS} load into. */
export type EngineConfig = Config<typeof ENGINE_SETTINGS>;

const PROJECT_DIRECTORY = fileURLToPath(new URL('../../..', import.meta.url));

/** What follows from the settings of the model on this machine. */
export const modelPlanOf = (config: Pick<ModelConfig, 'model' | 'cacheDirectory' | 'threads'>) => {
  const modelDirectory = resolve(PROJECT_DIRECTORY, config.model);
  const bundleName = bundleNameOf(modelDirectory);
  return {
    /** A checkpoint, or a bundle. */
    modelDirectory,
    isBundle: bundleName !== undefined,
    cacheDirectory: resolve(PROJECT_DIRECTORY, config.cacheDirectory),
    /** Name under which the model is served. */
    modelName: bundleName ?? basename(modelDirectory),
    threads: config.threads === 0 ? availableParallelism() : config.threads,
  };
};
