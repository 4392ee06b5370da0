import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimPartial } from './partial-folder.ts';

const HOUR_S = 3600;

let directory: string;
let target: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-partial-'));
  target = join(directory, 'bundle');
});

afterEach(() => rm(directory, { recursive: true }));

/** A folder as another machine leaves it, with a file that was last written so many seconds ago. */
const foreign = async (writtenSecondsAgo: number): Promise<string> => {
  const folder = `${target}.partial-some-pod-7-1-1`;
  await mkdir(folder);
  const file = join(folder, 'vision.data');
  await writeFile(file, 'x');
  const [then, old] = [Date.now() / 1000 - writtenSecondsAgo, Date.now() / 1000 - 2 * HOUR_S];
  await utimes(file, then, then);
  await utimes(folder, old, old);
  return folder;
};

it('leaves alone what another machine is writing, though the process has the same number there', async () => {
  const folder = await foreign(60);
  using partial = await claimPartial(target, async () => true);
  expect(await readdir(partial.path)).toEqual([]);
  expect(await readdir(directory)).toContain(basename(folder));
});

it('goes on with what another machine has long left, if it is of use', async () => {
  await foreign(HOUR_S);
  using partial = await claimPartial(target, async () => true);
  expect(await readdir(partial.path)).toEqual(['vision.data']);
  expect(await readdir(directory)).toHaveLength(1);
});

it('removes it otherwise', async () => {
  await foreign(HOUR_S);
  using partial = await claimPartial(target, async () => false);
  expect(await readdir(directory)).toEqual([basename(partial.path)]);
});
