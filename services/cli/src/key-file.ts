import { type FileHandle, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { type ApiKeyEntry, formatKeyEntry, parseKeyFile } from '@eidetic/access';
import { EideticError } from '@eidetic/core';

/** Only the user who runs the server reads hashes and tenants. */
const MODE = 0o600;

/**
 * The entries of a key file.
 *
 * @throws EideticError `invalid_config` if it cannot be read, or has a line that is wrong.
 */
export async function readKeyFile(path: string): Promise<readonly ApiKeyEntry[]> {
  return parseKeyFile(await readOrFail(path), path);
}

/**
 * Adds an entry at the end; makes the file if there is none.
 *
 * @throws EideticError `invalid_config` as {@link readKeyFile}, and when the id is taken.
 */
export const addKey = (path: string, entry: ApiKeyEntry): Promise<void> =>
  change(path, 'make', (text) => {
    const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return whole + formatKeyEntry(entry);
  });

/**
 * Changes one entry; other lines, comments among them, stay as they are.
 *
 * @throws EideticError `invalid_config` as {@link readKeyFile}; `not_found` when there is no entry with the id.
 */
export const updateKey = (path: string, id: string, update: Partial<ApiKeyEntry>): Promise<void> =>
  change(path, 'keep', (text) => {
    const entry = parseKeyFile(text, path).find((each) => each.id === id);
    if (entry === undefined) throw new EideticError('not_found', `There is no key "${id}" in ${path}.`);
    const isIts = (line: string): boolean => parseKeyFile(line, path)[0]?.id === id;
    const changed = formatKeyEntry({ ...entry, ...update }).trimEnd();
    return text
      .split('\n')
      .map((line) => (isIts(line) ? changed : line))
      .join('\n');
  });

/**
 * Writes the changed file beside the old one and puts it in its place: who reads sees the one or the other, whole. The new file's name
 * also keeps others from changing it meanwhile.
 */
async function change(path: string, missing: 'make' | 'keep', edit: (text: string) => string): Promise<void> {
  // The file itself, where the path is a link to it.
  const target = await realpath(path).catch(() => path);
  const next = `${target}.new`;
  const file = await claim(next);
  try {
    const text = edit(missing === 'make' ? await readOrEmpty(target) : await readOrFail(target));
    parseKeyFile(text, path);
    await file.writeFile(text);
    await file.sync();
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function claim(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', MODE);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem =
      code === 'EEXIST'
        ? `${path} is there: the keys are being changed. If nobody does, remove it.`
        : `${path} cannot be written (${message}).`;
    throw new EideticError('invalid_config', problem, { cause });
  }
}

async function readOrFail(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_config', `The key file ${path} cannot be read (${reason}).`, { cause });
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    return readOrFail(path);
  }
}
