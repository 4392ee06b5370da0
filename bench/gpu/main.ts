/**
 * `node bench/gpu/main.ts`: pictures and tokens per second of the full-size model on an NVIDIA GPU, beside PyTorch on the same card in the same
 * run. Weights are random and made on the way; nothing is downloaded. `--help` lists the options.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, precisionSchema } from '@eidetic/bundle';
import { fullSizeConfig, makeCheckpoint } from '@eidetic/checkpoint-maker';
import { convertCheckpoint } from '@eidetic/exporter';
import { loadRuntime, type Runtime } from '@eidetic/model-loader';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { type Figure, measureCopies, measureDecode, measureVision } from './measure.ts';
import { type GpuOptions, readOptions } from './options.ts';
import { formatFigures } from './report.ts';
import { measureTorch } from './torch.ts';

const options = readOptions(process.argv.slice(2));
const runtime = loadRuntime({
  provider: options.provider,
  cudaDevice: 0,
  cudaMemoryBytes: undefined,
  onnxruntimeLibrary: options.library,
  threads: options.threads,
  model: '',
  cacheDirectory: '',
});
if (options.provider === 'cuda') runtime.environment.checkCuda();
const folder = await mkdtemp(join(options.directory ?? tmpdir(), 'eidetic-bench-gpu-'));
try {
  await run(runtime, folder, options);
} finally {
  await rm(folder, { recursive: true });
}

/** Measures one thing after another, and writes down after each what there is so far. */
async function run(runtime: Runtime, folder: string, options: GpuOptions): Promise<void> {
  const checkpoint = join(folder, 'checkpoint');
  const config = await configOf(options);
  const figures: Figure[] = [];
  const started = performance.now();
  const note = async (step: string, made: readonly Figure[] = []): Promise<void> => {
    figures.push(...made);
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0)} s: ${step}\n`);
    if (options.out === undefined) return;
    const { provider, shape, context } = options;
    const versions = { node: process.version, onnxruntime: runtime.environment.version };
    await writeFile(options.out, `${JSON.stringify({ provider, shape, context, versions, figures }, null, 2)}\n`);
  };
  await makeCheckpoint(checkpoint, { config, format: 'safetensors' });
  await note('made the checkpoint');
  for (const [i, precision] of options.precisions.entries()) {
    const bundle = await convert(checkpoint, join(folder, precision), precision, options);
    await note(`converted it, language model in ${precision}`);
    if (i === 0) {
      await note('measured the memory', [await measureCopies(runtime, bundle, options.provider)]);
      await note('measured the vision encoder', await measureVision(runtime, bundle, options.visionBatches));
    }
    await note(`measured the language model in ${precision}`, await measureDecode(runtime, bundle, options));
    await rm(bundle.directory, { recursive: true });
  }
  const torch = await measureTorch(join(checkpoint, 'config.json'), options);
  await note('measured PyTorch', torch.figures);
  process.stdout.write(`${formatFigures(figures)}\n`);
  if (torch.failure) throw torch.failure;
}

async function configOf({ shape, layers, visionLayers }: GpuOptions): Promise<unknown> {
  if (shape === 'full') return fullSizeConfig({ layers, visionLayers });
  return JSON.parse(await readFile(join(import.meta.dirname, '../../models/qwen-vl-nano-chat/config.json'), 'utf8'));
}

async function convert(
  checkpointDirectory: string,
  bundleDirectory: string,
  precision: string,
  { provider }: GpuOptions,
): Promise<Bundle> {
  const decoder = precisionSchema.parse(precision);
  const activations = provider === 'cuda' ? 'float16' : 'float32';
  await mkdir(join(bundleDirectory, '..'), { recursive: true });
  const precisions = { vision: activations, decoder, head: decoder } as const;
  return convertCheckpoint({ checkpointDirectory, bundleDirectory, family: qwenVlExport, precisions, activations });
}
