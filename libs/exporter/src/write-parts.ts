import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, type Manifest, type Precision } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import type { ExportPlan, GraphFormats } from './family.ts';
import { Journal } from './journal.ts';
import type { ActivationType } from './linear.ts';
import { DataFile, type WriteLog } from './onnx/data-file.ts';
import { GraphBuilder } from './onnx/graph-builder.ts';
import { encodeModel } from './onnx/model.ts';
import type { WatchedWeights } from './watched-weights.ts';

/** Part of a bundle's source: raise it whenever the same checkpoint would give other files. */
export const EXPORTER_VERSION = '4';

/** Storage of the weights, part by part. */
export interface PartPrecisions {
  readonly vision: Precision;
  readonly decoder: Precision;
  /** Projection onto the vocabulary. */
  readonly head: Precision;
}

/**
 * What a CPU serves fastest at no measured loss of accuracy: docs/decisions/0003-default-precision.md has the table.
 */
export const DEFAULT_PRECISIONS: PartPrecisions = { vision: 'float32', decoder: 'int8', head: 'int8' };

/**
 * The parts of a model that is to be had in one precision. In int4, vision encoder and head stay at int8: 4 bits cost them most and are hardly
 * faster (docs/decisions/0003-default-precision.md).
 */
export const PRECISIONS_OF: Readonly<Record<Precision, PartPrecisions>> = {
  float32: { vision: 'float32', decoder: 'float32', head: 'float32' },
  float16: { vision: 'float16', decoder: 'float16', head: 'float16' },
  int8: { vision: 'int8', decoder: 'int8', head: 'int8' },
  int4: { vision: 'int8', decoder: 'int4', head: 'int8' },
};

/** What the manifest says beyond the family's plan. */
export interface BundleOptions {
  readonly name: string;
  /** Identifies checkpoint, exporter and formats. */
  readonly source: string;
  readonly family: { readonly name: string };
  readonly precisions: PartPrecisions;
  readonly activations: ActivationType;
}

type BundleFile = Manifest['files'][number];

const EMBEDDINGS_FILE = 'token-embeddings.bin';

/**
 * Writes every file of a bundle into a directory, the manifest last. What the directory's journal knows of from an earlier attempt stays,
 * if it is whole.
 */
export async function writeParts(
  weights: WatchedWeights,
  plan: ExportPlan,
  directory: string,
  options: BundleOptions,
): Promise<void> {
  const { precisions, activations } = options;
  const format = (precision: Precision) => ({ precision, activations });
  const formats: GraphFormats = {
    vision: format(precisions.vision),
    decoder: format(precisions.decoder),
    head: format(precisions.head),
  };
  await using journal = await Journal.open(directory, options.source);
  const log = logOf(journal, weights);
  weights.part = 'vision';
  const vision = await writeGraph(directory, 'vision', log, (graph) => plan.buildVision(graph, formats));
  weights.part = 'decoder';
  const decoder = await writeGraph(directory, 'decoder', log, (graph) => plan.buildDecoder(graph, formats));
  weights.part = 'embeddings';
  const embeddings = await writeEmbeddings(directory, weights, plan.embeddingTensor, log);
  const tokenizer = await copyInto(directory, join(weights.directory, plan.tokenizerFile), plan.tokenizerFile);
  const { preprocessing, ...visionSizes } = plan.vision;
  const manifest: Manifest = {
    format: 'eidetic-bundle',
    version: 1,
    family: options.family.name,
    name: options.name,
    source: options.source,
    files: [...vision, ...decoder, embeddings.file, tokenizer],
    vision: {
      graph: 'vision.onnx',
      precision: precisions.vision,
      ...visionSizes,
      fingerprint: fingerprint([preprocessing, ...vision.map((file) => file.sha256)]),
    },
    decoder: {
      graph: 'decoder.onnx',
      precision: precisions.decoder,
      headPrecision: precisions.head,
      dtype: activations,
      ...plan.decoder,
    },
    embeddings: embeddings.table,
    tokenizer: { file: tokenizer.path, special: plan.specialTokens },
    generation: plan.generation,
  };
  await writeFile(join(directory, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** What has been written goes to the journal, with how much of the checkpoint had been read by then. */
const logOf = (journal: Journal, weights: WatchedWeights): WriteLog => ({
  earlier: (piece) => journal.earlier(piece),
  take(written) {
    const doneBytes = journal.earlier(written.piece)?.doneBytes ?? 0;
    journal.take();
    weights.skipTo(doneBytes);
  },
  append: (written) => journal.append({ ...written, doneBytes: weights.doneBytes }),
});

async function writeGraph(
  directory: string,
  name: string,
  log: WriteLog,
  build: (graph: GraphBuilder) => Promise<void>,
): Promise<BundleFile[]> {
  const data = await DataFile.create(join(directory, `${name}.data`), `${name}.data`, log);
  const graph = new GraphBuilder(data);
  try {
    await build(graph);
  } catch (error) {
    await data.abandon();
    throw error;
  }
  const dataFile = { path: data.name, size: data.sizeBytes, sha256: await data.finish() };
  const model = encodeModel(graph.model(name, EXPORTER_VERSION));
  await writeFile(join(directory, `${name}.onnx`), model);
  return [{ path: `${name}.onnx`, size: model.byteLength, sha256: sha256(model) }, dataFile];
}

async function writeEmbeddings(
  directory: string,
  weights: WatchedWeights,
  tensor: string,
  log: WriteLog,
): Promise<{ file: BundleFile; table: Manifest['embeddings'] }> {
  const info = weights.tensors.get(tensor);
  const [rows, hidden] = info?.shape ?? [];
  if (!info || rows === undefined || hidden === undefined) {
    throw new EideticError('invalid_checkpoint', `The checkpoint has no token embedding table '${tensor}'.`);
  }
  const { dtype } = info;
  if (dtype !== 'float32' && dtype !== 'float16' && dtype !== 'bfloat16') {
    throw new EideticError('invalid_checkpoint', `'${tensor}' holds ${dtype}; float32, float16 or bfloat16 is needed.`);
  }
  const step = Math.max(1, Math.floor((16 * 1024 * 1024) / (info.sizeBytes / rows)));
  const data = await DataFile.create(join(directory, EMBEDDINGS_FILE), EMBEDDINGS_FILE, log);
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let firstRow = 0; firstRow < rows; firstRow += step) {
      yield await weights.readRaw(tensor, { firstRow, rows: Math.min(step, rows - firstRow) });
    }
  };
  try {
    await data.append(tensor, pieces());
  } catch (error) {
    await data.abandon();
    throw error;
  }
  const file = { path: EMBEDDINGS_FILE, size: data.sizeBytes, sha256: await data.finish() };
  return { file, table: { file: EMBEDDINGS_FILE, dtype, rows, hidden } };
}

async function copyInto(directory: string, from: string, name: string): Promise<BundleFile> {
  const bytes = await readFile(from).catch((cause: unknown) => {
    throw new EideticError('invalid_checkpoint', `${from} cannot be read.`, { cause });
  });
  await writeFile(join(directory, name), bytes);
  return { path: name, size: (await stat(join(directory, name))).size, sha256: sha256(bytes) };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const fingerprint = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
