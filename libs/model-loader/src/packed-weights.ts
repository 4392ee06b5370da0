import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type Bundle, type BundlePart, filesOf, type ListedFile, sha256Of, verifyFiles } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import { claimPartial } from '@eidetic/folders';
import { z } from 'zod';
import type { LoadContext } from './load-context.ts';
import type { Runtime } from './runtime.ts';
import { packedIn } from './sweep-cache.ts';
import { verifiedIn } from './verified-in.ts';

/** What is to be packed, and where packed weights are kept. */
export interface PackOptions {
  readonly bundle: Bundle;
  readonly part: BundlePart;
  readonly cacheDirectory: string;
  /** What will run the part. */
  readonly runtime: Runtime;
  /** Weights up to this size are copied into memory, as onnxruntime does by itself; default 256 MiB: there is little to gain. */
  readonly copiedBytes?: number;
}

/** A bundle, and how its part is loaded so that its weights stay in their file. */
export interface MappedBundle extends Runtime {
  readonly bundle: Bundle;
}

const COPIED_BYTES = 256 * 2 ** 20;

/** onnxruntime writes the weights as they are in the bundle, and behind them as its kernels want them: 32 bits more for each block, of 32 at least. */
const PACKED_GROWTH = 2.3;

const GRAPH_FILE = 'graph.onnx';
const LIST_FILE = 'files.json';

/**
 * Has onnxruntime write the weights as its kernels want them, beside the graph. Smaller ones go into the graph and are packed when it is
 * loaded: onnxruntime puts only what is larger than a MiB at the beginning of a page.
 */
const PACKING = {
  'session.save_external_prepacked_constant_initializers': '1',
  'session.optimized_model_external_initializers_file_name': 'graph.data',
  'session.optimized_model_external_initializers_min_size_in_bytes': String(2 ** 20),
} as const;

/** Leaves float32 matrices in their file, at the price of a twentieth of the speed. */
const UNPACKED = { 'session.disable_prepacking': '1' } as const;

/**
 * Makes the weights of a part be used from their file (mapped, shared with all other processes of the machine that do so) rather than from a
 * private copy. Quantised weights are packed for this machine's processor first, once, into a folder of their own: about two and a half
 * times their size. Where that cannot be written they are copied, and the person at the terminal is told.
 *
 * Packed weights of another processor or another onnxruntime do no harm: onnxruntime uses none that differ from what it would make itself.
 */
export async function mapWeights(options: PackOptions, context: LoadContext): Promise<MappedBundle> {
  const { bundle, part, runtime, copiedBytes = COPIED_BYTES } = options;
  const files = graphFiles(options);
  const sizeBytes = files.reduce((sum, { size }) => sum + size, 0);
  const copied = { bundle, ...runtime };
  // A GPU has its weights in its own memory.
  if (runtime.session.provider !== undefined || sizeBytes <= copiedBytes) return copied;
  if (!isQuantized(bundle, part)) {
    return part === 'vision' ? { ...copied, session: { ...runtime.session, config: UNPACKED } } : copied;
  }
  try {
    const directory = await packedDirectory(options, files, context);
    const { graph } = bundle.manifest[part];
    const path = (file: string): string => (file === graph ? join(directory, GRAPH_FILE) : bundle.path(file));
    return { ...copied, bundle: { ...bundle, path } };
  } catch (error) {
    const { code, message } = EideticError.from(error);
    if (code === 'cancelled') throw error;
    context.onProgress(
      `Warning: the weights are copied into private memory, they cannot be packed into a file: ${message}`,
    );
    return copied;
  }
}

/** The graph and its weights, without embedding table and tokenizer. */
function graphFiles({ bundle: { manifest }, part }: PackOptions): readonly ListedFile[] {
  const others = [manifest.embeddings.file, manifest.tokenizer.file];
  return filesOf(manifest, [part]).filter(({ path }) => !others.includes(path));
}

function isQuantized({ manifest: { vision, decoder } }: Bundle, part: BundlePart): boolean {
  const precisions = part === 'vision' ? [vision.precision] : [decoder.precision, decoder.headPrecision];
  return precisions.some((precision) => precision === 'int8' || precision === 'int4');
}

/** Where the packed weights are: made unless they are there and whole. */
async function packedDirectory(
  options: PackOptions,
  files: readonly ListedFile[],
  context: LoadContext,
): Promise<string> {
  const { bundle, part, cacheDirectory, runtime } = options;
  const directory = join(packedIn(cacheDirectory), `${bundle.manifest.name}-${part}-${keyOf(runtime, files)}`);
  if (await isWhole(directory, cacheDirectory, context.signal)) return directory;
  // What a process that was killed had packed so far is of no use.
  using partial = await claimPartial(directory, () => Promise.resolve(false));
  try {
    await checkRoom(partial.path, files);
    await pack(options, partial.path, context);
    context.signal.throwIfAborted();
    // Another process may have been faster; only what is damaged makes way.
    if (await isWhole(directory, cacheDirectory, context.signal)) return directory;
    await rm(directory, { recursive: true, force: true });
    await rename(partial.path, directory);
  } finally {
    await rm(partial.path, { recursive: true, force: true });
  }
  return directory;
}

/** What packed weights depend on: the weights, and whose kernels they are for. */
function keyOf({ environment }: Runtime, files: readonly ListedFile[]): string {
  const parts = [environment.version, process.arch, cpus()[0]?.model ?? '', ...files.map(({ sha256 }) => sha256)];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

const listSchema = z.array(z.strictObject({ path: z.string(), size: z.int(), sha256: z.hash('sha256') }));

async function isWhole(directory: string, cacheDirectory: string, signal: AbortSignal): Promise<boolean> {
  let list: readonly ListedFile[];
  try {
    list = listSchema.parse(JSON.parse(await readFile(join(directory, LIST_FILE), 'utf8')));
  } catch {
    // It is not there, or not finished.
    return false;
  }
  try {
    await verifyFiles(directory, list, { memory: verifiedIn(cacheDirectory), signal });
    return true;
  } catch (error) {
    if (EideticError.from(error).code === 'cancelled') throw error;
    return false;
  }
}

async function checkRoom(directory: string, files: readonly ListedFile[]): Promise<void> {
  const needed = PACKED_GROWTH * files.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= needed) return;
  const [needs, has] = [needed, bavail * bsize].map((bytes) => (bytes / 2 ** 30).toFixed(1));
  throw new EideticError('invalid_config', `${directory} has room for ${has} GiB, and ${needs} GiB are needed.`);
}

async function pack({ bundle, part, runtime }: PackOptions, directory: string, context: LoadContext): Promise<void> {
  context.onProgress(`Packing the weights of ${bundle.manifest.name} for this processor; this is done once`);
  const session = await runtime.environment.createSession(bundle.path(bundle.manifest[part].graph), {
    ...runtime.session,
    optimizedModelPath: join(directory, GRAPH_FILE),
    config: PACKING,
  });
  session.release();
  checkAlignment(await readFile(join(directory, GRAPH_FILE), 'latin1'));
  const names = [GRAPH_FILE, PACKING['session.optimized_model_external_initializers_file_name']];
  const list: ListedFile[] = [];
  for (const name of names) {
    const path = join(directory, name);
    await flush(path);
    list.push({ path: name, size: (await stat(path)).size, sha256: await sha256Of(path, context.signal) });
  }
  await writeFile(join(directory, LIST_FILE), JSON.stringify(list));
}

/** Kernels with 512-bit vectors count from the next multiple on, wherever the packed weights begin. */
const VECTOR_BYTES = 64;

/** Of each packed matrix the graph says `operator+hash|offset;size;`. Elsewhere than at a vector's boundary it would be read as another. */
function checkAlignment(graph: string): void {
  for (const [, offset] of graph.matchAll(/\+\d+\|(\d+);\d+;/g)) {
    if (Number(offset) % VECTOR_BYTES === 0) continue;
    throw new EideticError(
      'invalid_bundle',
      `onnxruntime packed a matrix to byte ${offset}, where its kernels misread it.`,
    );
  }
}

/** Waits until a file is on the disk: it must not get its final name while a power cut could still take its content. */
async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}
