import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lastWriteMs, ownerState, processOwner } from '@eidetic/folders';
import { lockDirectory } from './lock-directory.ts';

/** A folder of another machine in which nothing was written for so long is taken for abandoned: whether its process runs cannot be seen. */
const FORGOTTEN_MS = 30 * 24 * 60 * 60_000;

/** Those of this process. */
const inUse = new Set<string>();

/** A directory that goes with this process. */
export interface TemporaryData extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a directory below `parent`, and removes those that killed servers left there: of this machine, if their process no longer runs; of
 * other machines, if nothing was written to them for 30 days. What cannot be removed stays.
 */
export const makeTemporaryData = async (parent: string): Promise<TemporaryData> => {
  await sweep(parent);
  const path = await mkdtemp(join(parent, `eidetic-data-${processOwner()}-`));
  inUse.add(path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      inUse.delete(path);
    },
  };
};

const sweep = async (parent: string): Promise<void> => {
  for (const entry of await readdir(parent)) {
    const [, owner] = /^eidetic-data-(.+-\d+)-[^-]{6}$/.exec(entry) ?? [];
    if (owner === undefined) continue;
    const path = join(parent, entry);
    try {
      if (await isAbandoned(path, owner)) await rm(path, { recursive: true, force: true });
    } catch {
      // What another server removes at the same time, or what this one may not, is no reason not to start.
    }
  }
};

const isAbandoned = async (path: string, owner: string): Promise<boolean> => {
  const { uid } = await lstat(path);
  // What another user made may be anything, and change while it is being removed.
  if (uid !== process.getuid?.()) return false;
  const state = ownerState(owner, inUse.has(path));
  if (state === 'elsewhere') return Date.now() - (await lastWriteMs(path)) > FORGOTTEN_MS;
  return state === 'gone' && !(await isLocked(path));
};

/** Whether another container of the same name has it, whose processes cannot be seen. */
const isLocked = async (path: string): Promise<boolean> => {
  try {
    await using _lock = await lockDirectory(path);
    return false;
  } catch {
    return true;
  }
};
