import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Bundle, openBundle, type Precision, verifyBundle } from '@eidetic/bundle';
import { type Checkpoint, openCheckpoint } from '@eidetic/checkpoint';
import { EideticError } from '@eidetic/core';
import { claimPartial } from '@eidetic/folders';
import type { ExportFamily } from './family.ts';
import { JOURNAL_FILE, Journal } from './journal.ts';
import type { ActivationType } from './linear.ts';
import { type ConvertProgress, WatchedWeights } from './watched-weights.ts';
import { EXPORTER_VERSION, type PartPrecisions, writeParts } from './write-parts.ts';

/** Storage of the weights as it is asked for. */
export interface WantedPrecisions extends Omit<PartPrecisions, 'decoder'> {
  /** With `unlessQuantized`, a checkpoint whose language model is quantised already keeps the precision that it has. */
  readonly decoder: Precision | { readonly unlessQuantized: Precision };
}

/** What to convert. */
export interface ConvertOptions {
  readonly checkpointDirectory: string;
  readonly family: ExportFamily;
  readonly precisions: WantedPrecisions;
  /** Element type of activations and KV cache: float32 on CPU, float16 on GPU. */
  readonly activations: ActivationType;
  /** Name under which the model is served; default: the checkpoint folder's. */
  readonly name?: string;
  readonly onProgress?: (progress: ConvertProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Converts a checkpoint into `bundleDirectory`, which must not exist. Everything is written into a folder beside it that is
 * renamed at the end: an interrupted conversion leaves nothing that opens as a bundle. The same conversion, started again, goes on with what
 * it left, once checksums have shown that it is whole.
 *
 * @throws EideticError `invalid_checkpoint`; `invalid_config` when `bundleDirectory` exists or cannot be written, or when the
 *   checkpoint cannot be had in these precisions; `cancelled`.
 */
export async function convertCheckpoint(options: ConvertOptions & { bundleDirectory: string }): Promise<Bundle> {
  const target = resolve(options.bundleDirectory);
  if (await exists(target)) throw existsAlready(target);
  const checkpoint = await openCheckpoint(options.checkpointDirectory);
  try {
    return await writeBundle(checkpoint, target, settle(checkpoint, options), 'keep');
  } finally {
    await checkpoint.close();
  }
}

/** What is converted, and where the result is kept. */
export interface EnsureOptions extends ConvertOptions {
  readonly cacheDirectory: string;
  /** Compares what is there already with its manifest; default: every byte of it. Throws `invalid_bundle` when they differ. */
  readonly verify?: (bundle: Bundle) => Promise<void>;
}

/**
 * The bundle of a checkpoint in `cacheDirectory`, converted when it is not there yet, or damaged. Bundles of another checkpoint,
 * precision or exporter version lie in folders of their own.
 *
 * @throws EideticError `invalid_checkpoint`; `invalid_config` when `cacheDirectory` cannot be written, or when the checkpoint
 *   cannot be had in these precisions; `cancelled`
 */
export async function ensureBundle(options: EnsureOptions): Promise<Bundle> {
  const checkpoint = await openCheckpoint(options.checkpointDirectory);
  try {
    const settled = settle(checkpoint, options);
    const source = await sourceOf(checkpoint, settled);
    const target = targetOf(source, options);
    const present = await intactBundle(target, source, options);
    return present ?? (await writeBundle(checkpoint, target, settled, 'replace'));
  } finally {
    await checkpoint.close();
  }
}

/**
 * The folder in which `ensureBundle` keeps the bundle of a checkpoint, whether it is there yet or not.
 *
 * @throws EideticError `invalid_checkpoint`; `invalid_config` when the checkpoint cannot be had in these precisions.
 */
export async function bundleDirectoryOf(options: ConvertOptions & { cacheDirectory: string }): Promise<string> {
  const checkpoint = await openCheckpoint(options.checkpointDirectory);
  try {
    return targetOf(await sourceOf(checkpoint, settle(checkpoint, options)), options);
  } finally {
    await checkpoint.close();
  }
}

/** A conversion whose precisions are known: those that were asked for, fitted to the checkpoint. */
interface SettledOptions extends ConvertOptions {
  readonly precisions: PartPrecisions;
}

/** @throws EideticError `invalid_config` when the language model is quantised to another precision than was asked for. */
function settle(checkpoint: Checkpoint, options: ConvertOptions): SettledOptions {
  const { precisions, family, checkpointDirectory } = options;
  const quantizedTo = family.quantizedTo(checkpoint);
  const { decoder: wanted } = precisions;
  if (typeof wanted === 'object') {
    return { ...options, precisions: { ...precisions, decoder: quantizedTo ?? wanted.unlessQuantized } };
  }
  if (quantizedTo !== undefined && quantizedTo !== wanted) {
    const message =
      `The language model of ${checkpointDirectory} is quantised already: it can be had in ${quantizedTo}, not in ${wanted}. ` +
      `Leave its precision out, or set --decoder ${quantizedTo} or EIDETIC_DECODER_PRECISION=${quantizedTo}.`;
    throw new EideticError('invalid_config', message);
  }
  return { ...options, precisions: { ...precisions, decoder: wanted } };
}

const targetOf = (source: string, options: ConvertOptions & { cacheDirectory: string }): string =>
  resolve(options.cacheDirectory, `${nameOf(options)}-${source.slice(0, 12)}`);

/** The bundle in `directory`, when it is of `source` and as its manifest says. */
async function intactBundle(
  directory: string,
  source: string,
  {
    signal,
    verify = (bundle) => verifyBundle(bundle, { ...(signal && { signal }) }),
  }: Pick<EnsureOptions, 'signal' | 'verify'>,
): Promise<Bundle | undefined> {
  try {
    const bundle = await openBundle(directory);
    if (bundle.manifest.source !== source) return undefined;
    await verify(bundle);
    return bundle;
  } catch (error) {
    if (error instanceof EideticError && error.code === 'invalid_bundle') return undefined;
    throw error;
  }
}

const nameOf = (options: ConvertOptions): string => options.name ?? basename(resolve(options.checkpointDirectory));

async function sourceOf(checkpoint: Checkpoint, options: SettledOptions): Promise<string> {
  const { precisions, activations, family } = options;
  const parts = [EXPORTER_VERSION, family.name, nameOf(options), activations, precisions.vision, precisions.decoder];
  return sha256([...parts, precisions.head, await checkpoint.identity()].join('\n'));
}

async function writeBundle(
  checkpoint: Checkpoint,
  target: string,
  options: SettledOptions,
  occupied: 'keep' | 'replace',
): Promise<Bundle> {
  const { signal } = options;
  const watched = new WatchedWeights(checkpoint, options);
  const plan = await options.family.plan(watched);
  const source = await sourceOf(checkpoint, options);
  watched.checkCancelled();
  try {
    using partial = await claimPartial(target, (folder) => Journal.isOf(folder, source));
    try {
      await writeParts(watched, plan, partial.path, { ...options, name: nameOf(options), source });
      return await publish(partial.path, target, source, { occupied, signal });
    } catch (error) {
      if (!isInterruption(error)) await remove(partial.path);
      throw error instanceof EideticError && isInterruption(error) ? interrupted(error, partial.path) : error;
    }
  } catch (error) {
    if (error instanceof EideticError || !isSystemError(error)) throw error;
    const isFull = ['ENOSPC', 'EDQUOT'].includes(error.code ?? '');
    const room = isFull ? 'Make room there, and the same conversion goes on; or choose' : 'Choose';
    const setting = occupied === 'replace' ? ' with EIDETIC_CACHE_DIR' : '';
    const message = `${dirname(target)} cannot be written (${error.message}). ${room} another folder${setting}.`;
    throw new EideticError('invalid_config', message, { cause: error });
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error;

/** Whether the same conversion, started again, may get further: it was cancelled, or the disk was full. */
const isInterruption = (error: unknown): boolean =>
  error instanceof EideticError
    ? ['cancelled', 'deadline_exceeded'].includes(error.code)
    : isSystemError(error) && !isOccupied(error);

const interrupted = (error: EideticError, partial: string): EideticError => {
  const message = `${error.message} The same conversion goes on with what is in ${partial}; remove that to give it up.`;
  return new EideticError(error.code, message, { cause: error });
};

/** What could not be made cannot be removed either; the failure that is on its way says more. */
const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true }).catch(() => undefined);

/** Gives a finished bundle its name. One of the same source that is there already is as good; anything else in a cache makes way. */
async function publish(
  partial: string,
  target: string,
  source: string,
  { occupied, signal }: { readonly occupied: 'keep' | 'replace'; readonly signal: AbortSignal | undefined },
): Promise<Bundle> {
  for (;;) {
    try {
      await rename(partial, target);
      await rm(join(target, JOURNAL_FILE), { force: true });
      return await openBundle(target);
    } catch (error) {
      if (!isOccupied(error)) throw error;
      if (occupied === 'keep') throw existsAlready(target);
    }
    const present = await intactBundle(target, source, { ...(signal && { signal }) });
    if (present !== undefined) {
      await remove(partial);
      return present;
    }
    await rm(target, { recursive: true, force: true });
  }
}

const existsAlready = (target: string): EideticError =>
  new EideticError('invalid_config', `${target} exists already. Remove it or choose another folder.`);

const isOccupied = (error: unknown): boolean =>
  isSystemError(error) && ['EEXIST', 'ENOTDIR', 'ENOTEMPTY'].includes(error.code ?? '');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
