import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Journal } from './journal.ts';

/** Folders that conversions of this process are writing to: those to the same target at the same time have one each. */
const inUse = new Set<string>();
let conversions = 0;

/** A folder beside the target of a conversion, which gets the target's name once everything is in it. */
export interface PartialFolder extends Disposable {
  readonly path: string;
}

/**
 * The folder that an earlier conversion of `source` to `target` left when it was cut off, or a new one. What was left by others is removed:
 * nobody goes on with it.
 *
 * @throws the operating system's error when the folder cannot be made.
 */
export async function claimPartial(target: string, source: string): Promise<PartialFolder> {
  const path = `${target}.partial-${process.pid}-${++conversions}`;
  inUse.add(path);
  try {
    let claimed = false;
    for (const left of await abandonedPartials(target)) {
      if (!claimed && (await Journal.isOf(left, source))) claimed = await take(left, path);
      else await rm(left, { recursive: true, force: true });
    }
    if (!claimed) await makeFolder(path);
  } catch (error) {
    inUse.delete(path);
    throw error;
  }
  return { path, [Symbol.dispose]: () => void inUse.delete(path) };
}

/** Makes a folder and those above it. Node's own recursive `mkdir` says ENOENT of a file system that is read-only. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Moves a folder; false if another conversion was faster. */
const take = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** What conversions to `target` that no longer run have left. */
async function abandonedPartials(target: string): Promise<string[]> {
  const prefix = `${basename(target)}.partial-`;
  const entries = await readdir(dirname(target)).catch(() => []);
  return entries
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => ({ path: join(dirname(target), entry), pid: Number.parseInt(entry.slice(prefix.length), 10) }))
    .filter(({ path, pid }) => (pid === process.pid ? !inUse.has(path) : !isRunning(pid)))
    .map(({ path }) => path);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled.
    return codeOf(error) === 'EPERM';
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
