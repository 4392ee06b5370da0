import { access, constants, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Bundle, openBundle, verifyBundle } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import { bundleDirectoryOf } from '@eidetic/exporter';
import { conversionOf, type ModelConfig, maxContextOf, modelPlanOf } from '@eidetic/model-loader';
import { type Finding, ok, problem, warning } from './finding.ts';
import { formatBytes } from './format-bytes.ts';
import type { DoctorConfig } from './settings.ts';

/** The model that would be served: its bundle if it is there and whole. */
export interface ModelFinding {
  readonly finding: Finding;
  readonly bundle?: Bundle;
}

const CHECK = 'model';

/**
 * Whether the model that the settings name can be served.
 *
 * @param deep compares the checksum of every file
 */
export async function checkModel(config: ModelConfig, deep: boolean): Promise<ModelFinding> {
  const { modelDirectory, isBundle } = modelPlanOf(config);
  try {
    if (isBundle) return await checkBundle(modelDirectory, deep);
    const bundleDirectory = await bundleDirectoryOf(conversionOf(config));
    if (!(await exists(bundleDirectory))) {
      return { finding: ok(CHECK, `${modelDirectory}; it is converted when it is first served`) };
    }
    return await checkBundle(bundleDirectory, deep, (message) =>
      warning(CHECK, message, 'Nothing is to be done: it is converted again when it is next served.'),
    );
  } catch (error) {
    const remedy = 'Name a checkpoint folder as published on Hugging Face, or a bundle: --model, or EIDETIC_MODEL.';
    return { finding: problem(CHECK, EideticError.from(error).message, remedy) };
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function checkBundle(
  directory: string,
  deep: boolean,
  broken = (message: string): Finding =>
    problem(CHECK, message, 'Convert the checkpoint again: eidetic convert CHECKPOINT BUNDLE.'),
): Promise<ModelFinding> {
  try {
    const bundle = await openBundle(directory);
    if (deep) await verifyBundle(bundle);
    const { name, decoder, vision } = bundle.manifest;
    const checked = deep ? 'every checksum is right' : 'all files are there in full; --deep compares checksums';
    const precisions = `vision ${vision.precision}, language model ${decoder.precision}`;
    return { bundle, finding: ok(CHECK, `${name} (${precisions}) in ${directory}: ${checked}`) };
  } catch (error) {
    return { finding: broken(EideticError.from(error).message) };
  }
}

/** Whether the model has as many positions as are asked for; nothing if it does. */
export function checkContext({ manifest }: Bundle, config: Pick<DoctorConfig, 'maxContext'>): readonly Finding[] {
  try {
    maxContextOf(manifest, config);
    return [];
  } catch (error) {
    return [problem('context', EideticError.from(error).message, 'No server starts with it: correct the setting.')];
  }
}

/** Whether the machine, or the container, has that much memory. All in bytes. */
export function checkMemory(needed: number, available: number, most: number, limit: number | undefined): Finding {
  const whole = Math.min(most, limit ?? most);
  const free = Math.min(available, whole);
  const where = limit !== undefined && limit < most ? 'the limit of the container' : 'the memory of this machine';
  const message = `up to ${formatBytes(needed)} needed, ${formatBytes(free)} free of ${formatBytes(whole)} (${where})`;
  const remedy =
    'Lower EIDETIC_SLOTS, EIDETIC_MAX_CONTEXT or the precision (--precision int4), or give it more memory.';
  if (needed > whole) return problem('memory', message, remedy);
  if (needed > free) return warning('memory', message, `End other programs, or: ${remedy.toLowerCase()}`);
  return ok('memory', message);
}

/** Whether the folder of converted models can take one. */
export async function checkDisk(config: ModelConfig, bundle: Bundle | undefined): Promise<Finding> {
  const { cacheDirectory, modelDirectory, isBundle } = modelPlanOf(config);
  const folder = await nearestFolder(cacheDirectory);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const remedy = 'Make room there, or let EIDETIC_CACHE_DIR name another folder.';
  const message = `${formatBytes(free)} free in ${cacheDirectory}`;
  if (isBundle) return ok('disk', `a bundle is served; large weights are packed if there is room: ${message}`);
  try {
    await access(folder, constants.W_OK);
  } catch {
    if (bundle !== undefined) return ok('disk', `${cacheDirectory} cannot be written, and has what it needs`);
    return problem('disk', `${cacheDirectory} cannot be written`, remedy);
  }
  // From float16 to float32 at most.
  const needed = bundle === undefined ? 2 * (await sizeOf(modelDirectory)) : 0;
  if (free >= needed) return ok('disk', message);
  return problem('disk', `${message}; the conversion may need ${formatBytes(needed)}`, remedy);
}

/** The folder, or the one above it that exists. */
async function nearestFolder(path: string): Promise<string> {
  return (await exists(path)) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Bytes of the files in a folder; 0 if there is none, of which another check tells. */
async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
