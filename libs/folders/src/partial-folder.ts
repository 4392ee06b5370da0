import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type OwnerState, ownerState, processOwner } from './folder-owner.ts';
import { lastWriteMs } from './last-write.ts';
import { makeFolder } from './make-folder.ts';

/** Folders that this process is writing to: those that are to become the same target at the same time have one each. */
const inUse = new Set<string>();
let claims = 0;

/**
 * A folder of another machine in which nothing was written for so long is abandoned. Containers that share a volume are such machines: in each,
 * the process has the same number.
 */
const ABANDONED_MS = 10 * 60_000;

/** A folder in which nothing was written for so long will not be gone on with either: whoever wanted that has had a day to start again. */
const FORGOTTEN_MS = 24 * 60 * 60_000;

/** A folder beside its target, whose name it gets once everything is in it. */
export interface PartialFolder extends Disposable {
  readonly path: string;
}

/**
 * The folder that a process left beside `target` when it was cut off, if `isUseful` says that this one can go on with it, or a new one.
 * Whatever else such processes left is removed: nobody goes on with it.
 *
 * @throws the operating system's error when the folder cannot be made.
 */
export async function claimPartial(
  target: string,
  isUseful: (folder: string) => Promise<boolean>,
): Promise<PartialFolder> {
  const path = `${resolve(target)}.partial-${processOwner()}-${++claims}`;
  inUse.add(path);
  try {
    let claimed = false;
    for (const left of await abandonedPartials(target)) {
      if (!claimed && (await isUseful(left))) claimed = await take(left, path);
      else await rm(left, { recursive: true, force: true });
    }
    if (!claimed) await makeFolder(path);
  } catch (error) {
    inUse.delete(path);
    throw error;
  }
  return { path, [Symbol.dispose]: () => void inUse.delete(path) };
}

/**
 * Removes the folders that were to become targets in `directory` and that nobody goes on with: those of processes of this machine that no
 * longer run, and those of other machines, once nothing was written to them for a day. What cannot be removed stays.
 *
 * @param targets names of the targets; folders beside others are let be
 * @param keptMs how long a folder of this machine is kept for whoever may go on with it; default: a day
 */
export async function sweepPartials(directory: string, targets: RegExp, keptMs = FORGOTTEN_MS): Promise<void> {
  for (const entry of await readdir(directory).catch(() => [])) {
    const [, target = '', owner = ''] = /^(.+)\.partial-(.+-\d+-\d+)$/.exec(entry) ?? [];
    if (!targets.test(target)) continue;
    const path = resolve(directory, entry);
    const silentMs = Date.now() - (await lastWriteMs(path));
    const state = stateOf(path, owner);
    if (state === 'gone' ? silentMs >= keptMs : state === 'elsewhere' && silentMs >= FORGOTTEN_MS) {
      // It may be of another user, or just be taken over: neither is worth failing for.
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

/** Moves a folder; false if somebody else was faster. */
const take = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** What processes that no longer run have left beside `target`. */
async function abandonedPartials(target: string): Promise<string[]> {
  const prefix = `${basename(target)}.partial-`;
  const entries = await readdir(dirname(target)).catch(() => []);
  const abandoned: string[] = [];
  for (const entry of entries.filter((name) => name.startsWith(prefix))) {
    const path = resolve(dirname(target), entry);
    if (await isAbandoned(path, entry.slice(prefix.length))) abandoned.push(path);
  }
  return abandoned;
}

async function isAbandoned(path: string, owner: string): Promise<boolean> {
  const state = stateOf(path, owner);
  if (state === 'elsewhere') return Date.now() - (await lastWriteMs(path)) > ABANDONED_MS;
  return state === 'gone';
}

/** @param owner `<host>-<pid>-<number>` */
const stateOf = (path: string, owner: string): OwnerState => ownerState(owner.replace(/-\d+$/, ''), inUse.has(path));
