import { type Precision, precisionSchema } from '@eidetic/bundle';
import { type ConvertProgress, convertCheckpoint, DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { parseArguments } from './arguments.ts';
import type { Command } from './commands.ts';
import { say, show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic convert CHECKPOINT BUNDLE [options]

Converts a checkpoint folder as Hugging Face publishes it (config.json, qwen.tiktoken, weights as safetensors or PyTorch
.bin files, in shards or whole) into a bundle: ONNX graphs with their weights, tokenizer, manifest. BUNDLE must not exist;
an interrupted conversion leaves nothing there. Weights are float32, float16, int8 or int4. What GPTQ quantised to 4 bits
(Qwen-VL-Chat-Int4) keeps its weights, and needs --decoder int4.

  --vision PRECISION     of the vision encoder; default ${DEFAULT_PRECISIONS.vision}
  --decoder PRECISION    of the language model; default ${DEFAULT_PRECISIONS.decoder}
  --head PRECISION       of the projection onto the vocabulary; default ${DEFAULT_PRECISIONS.head}
  --activations TYPE     float32 (CPU, default) or float16 (GPU)
  --name NAME            under which the model is served; default: the checkpoint folder's name

Examples:
  eidetic convert ~/models/Qwen-VL-Chat ~/models/qwen-vl-chat-int4 --decoder int4
  eidetic serve ~/models/qwen-vl-chat-int4`;

const OPTIONS = {
  vision: { type: 'string', default: DEFAULT_PRECISIONS.vision },
  decoder: { type: 'string', default: DEFAULT_PRECISIONS.decoder },
  head: { type: 'string', default: DEFAULT_PRECISIONS.head },
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
  const bundle = await convertCheckpoint({
    checkpointDirectory,
    bundleDirectory,
    family: qwenVlExport,
    precisions: {
      vision: precisionOf('--vision', values.vision),
      decoder: precisionOf('--decoder', values.decoder),
      head: precisionOf('--head', values.head),
    },
    activations: activationsOf(values.activations),
    onProgress: showProgress,
    ...(values.name === undefined ? {} : { name: values.name }),
    signal,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`Converted ${bundle.manifest.name} in ${seconds} s: ${bundle.directory}`);
}

function showProgress({ part, doneBytes, totalBytes }: ConvertProgress): void {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const percent = ((100 * doneBytes) / totalBytes).toFixed(0);
  show(`${percent} %  ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB  ${part}`);
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
