import { type Precision, precisionSchema } from '@eidetic/bundle';
import {
  type ConvertProgress,
  convertCheckpoint,
  DEFAULT_PRECISIONS,
  type PartPrecisions,
  PRECISIONS_OF,
  paceText,
  type WantedPrecisions,
} from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { parseArguments } from './arguments.ts';
import type { Command } from './commands.ts';
import { say, show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic convert CHECKPOINT BUNDLE [options]

Converts a checkpoint folder as Hugging Face publishes it (config.json, qwen.tiktoken, weights as safetensors or PyTorch
.bin files, in shards or whole) into a bundle: ONNX graphs with their weights, tokenizer, manifest. BUNDLE must not exist.
A conversion that was cut off leaves BUNDLE.partial-*; the same command checks what is there and goes on. Weights are
float32, float16, int8 or int4. What GPTQ quantised to 4 bits (Qwen-VL-Chat-Int4) keeps its weights, in int4.

  --precision PRECISION  of the whole model; int4 keeps vision encoder and head at int8
  --vision PRECISION     of the vision encoder; default ${DEFAULT_PRECISIONS.vision}
  --decoder PRECISION    of the language model; default ${DEFAULT_PRECISIONS.decoder}, of GPTQ's weights int4
  --head PRECISION       of the projection onto the vocabulary; default ${DEFAULT_PRECISIONS.head}
  --activations TYPE     float32 (CPU, default) or float16 (GPU)
  --name NAME            under which the model is served; default: the checkpoint folder's name

Examples:
  eidetic convert ~/models/Qwen-VL-Chat ~/models/qwen-vl-chat-int4 --precision int4
  eidetic serve ~/models/qwen-vl-chat-int4`;

const OPTIONS = {
  precision: { type: 'string' },
  vision: { type: 'string' },
  decoder: { type: 'string' },
  head: { type: 'string' },
  activations: { type: 'string', default: 'float32' },
  name: { type: 'string' },
} as const;

/** `eidetic convert`. */
export const convert: Command = { usage, run: runConvert };

/**
 * Progress goes to standard error.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_config` when the bundle exists, `invalid_checkpoint`,
 *   `cancelled`.
 */
async function runConvert(args: readonly string[], signal: AbortSignal): Promise<undefined> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [checkpointDirectory, bundleDirectory, ...rest] = positionals;
  if (checkpointDirectory === undefined || bundleDirectory === undefined || rest.length > 0) {
    throw new UsageError('A checkpoint folder and a bundle folder are needed.');
  }
  const started = performance.now();
  const elapsedSeconds = (): number => (performance.now() - started) / 1000;
  const bundle = await convertCheckpoint({
    checkpointDirectory,
    bundleDirectory,
    family: qwenVlExport,
    precisions: precisionsOf(values),
    activations: activationsOf(values.activations),
    onProgress: (progress) => showProgress(progress, elapsedSeconds()),
    ...(values.name === undefined ? {} : { name: values.name }),
    signal,
  });
  say(`Converted ${bundle.manifest.name} in ${elapsedSeconds().toFixed(1)} s: ${bundle.directory}`);
}

function showProgress(progress: ConvertProgress, elapsedSeconds: number): void {
  const { part, doneBytes, totalBytes } = progress;
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const percent = ((100 * doneBytes) / totalBytes).toFixed(0);
  show(
    `${percent} %  ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB  ${part}  ${paceText(progress, elapsedSeconds)}`,
  );
}

/** What is said of a part counts more than what is said of the whole. */
function precisionsOf(values: Readonly<Partial<Record<'precision' | keyof PartPrecisions, string>>>): WantedPrecisions {
  const asked =
    values.precision === undefined ? undefined : PRECISIONS_OF[precisionOf('--precision', values.precision)];
  const whole = asked ?? DEFAULT_PRECISIONS;
  const decoder = values.decoder ?? asked?.decoder;
  return {
    vision: precisionOf('--vision', values.vision ?? whole.vision),
    decoder: decoder === undefined ? { unlessQuantized: whole.decoder } : precisionOf('--decoder', decoder),
    head: precisionOf('--head', values.head ?? whole.head),
  };
}

function precisionOf(option: string, text: string): Precision {
  const parsed = precisionSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${option} is ${text}; one of ${precisionSchema.options.join(', ')} is needed.`);
}

function activationsOf(text: string): 'float32' | 'float16' {
  if (text === 'float32' || text === 'float16') return text;
  throw new UsageError(`--activations is ${text}; float32 or float16 is needed.`);
}
