import { parseArgs } from 'node:util';

/** What is measured, and with what. */
export interface GpuOptions {
  readonly provider: 'cpu' | 'cuda';
  readonly shape: 'full' | 'tiny';
  readonly layers: number;
  readonly visionLayers: number;
  /** Weights of the language model, one after another. */
  readonly precisions: readonly string[];
  readonly visionBatches: readonly number[];
  readonly decodeBatches: readonly number[];
  /** Positions that each answer has before the step that is measured. */
  readonly context: number;
  readonly cudaGraphs: boolean;
  readonly threads: number;
  readonly library: string | undefined;
  readonly python: string | undefined;
  readonly directory: string | undefined;
  readonly out: string | undefined;
}

const HELP = `node bench/gpu/main.ts [options]

  --provider cuda|cpu       what computes; default cuda
  --shape full|tiny         Qwen-VL's sizes, or those of the embedded model; default full
  --layers N, --vision-layers N   of the full shape, less than all to save time; default 32 and 48
  --precisions LIST         weights of the language model; default float16,int4
  --vision-batches LIST     default 1,4,16
  --decode-batches LIST     default 1,8,32,64
  --context N               positions before the measured step; default 1000
  --cuda-graphs             capture decode steps as CUDA graphs
  --threads N               of a CPU; default 0, one per core
  --library PATH            libonnxruntime.so with the CUDA provider beside it (or EIDETIC_ONNXRUNTIME_LIBRARY)
  --python PATH             Python with PyTorch, for the peer (or EIDETIC_BENCH_PYTHON); without it the peer is left out
  --directory PATH          where 60 GB can be written; default the system's folder for temporary files
  --out FILE                the figures as JSON, written after every step`;

/** @throws TypeError for an unknown option, RangeError for a value that is none of those that can be */
export function readOptions(args: readonly string[]): GpuOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      provider: { type: 'string', default: 'cuda' },
      shape: { type: 'string', default: 'full' },
      layers: { type: 'string', default: '32' },
      'vision-layers': { type: 'string', default: '48' },
      precisions: { type: 'string', default: 'float16,int4' },
      'vision-batches': { type: 'string', default: '1,4,16' },
      'decode-batches': { type: 'string', default: '1,8,32,64' },
      context: { type: 'string', default: '1000' },
      'cuda-graphs': { type: 'boolean', default: false },
      threads: { type: 'string', default: '0' },
      library: { type: 'string' },
      python: { type: 'string' },
      directory: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    process.exit();
  }
  return {
    provider: word('--provider', values.provider, ['cpu', 'cuda']),
    shape: word('--shape', values.shape, ['full', 'tiny']),
    layers: number('--layers', values.layers),
    visionLayers: number('--vision-layers', values['vision-layers']),
    precisions: values.precisions.split(','),
    visionBatches: values['vision-batches'].split(',').map((text) => number('--vision-batches', text)),
    decodeBatches: values['decode-batches'].split(',').map((text) => number('--decode-batches', text)),
    context: number('--context', values.context),
    cudaGraphs: values['cuda-graphs'],
    threads: number('--threads', values.threads),
    library: values.library ?? process.env.EIDETIC_ONNXRUNTIME_LIBRARY,
    python: values.python ?? process.env.EIDETIC_BENCH_PYTHON,
    directory: values.directory,
    out: values.out,
  };
}

function word<const T extends string>(option: string, text: string, words: readonly T[]): T {
  const found = words.find((known) => known === text);
  if (found !== undefined) return found;
  throw new RangeError(`${option} is ${text}; one of ${words.join(', ')} is needed.`);
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${option} is ${text}; a whole number is needed.`);
}
