import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { claimPartial, sweepPartials } from './partial-folder.ts';

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

let directory: string;
let target: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-partial-'));
  target = join(directory, 'bundle');
});

afterEach(() => rm(directory, { recursive: true }));

/** A folder as its owner leaves it, with a file that was last written so many seconds ago. */
const leave = async (folder: string, writtenSecondsAgo: number): Promise<string> => {
  await mkdir(folder);
  const file = join(folder, 'vision.data');
  await writeFile(file, 'x');
  const [then, old] = [Date.now() / 1000 - writtenSecondsAgo, Date.now() / 1000 - 2 * DAY_S];
  await utimes(file, then, then);
  await utimes(folder, old, old);
  return folder;
};

/** A folder as another machine leaves it. */
const foreign = (writtenSecondsAgo: number): Promise<string> =>
  leave(`${target}.partial-some-pod-7-1-1`, writtenSecondsAgo);

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

describe('sweeping', () => {
  /** The largest process id of Linux plus one never runs. */
  const GONE = 4194305;
  const ofProcess = (pid: number, writtenSecondsAgo: number, name = 'bundle'): Promise<string> =>
    leave(join(directory, `${name}.partial-${hostname()}-${pid}-1`), writtenSecondsAgo);
  const left = (): Promise<string[]> => readdir(directory);

  it('removes what a process left that no longer runs, once a day has passed', async () => {
    const recent = await ofProcess(GONE, DAY_S - HOUR_S);
    await ofProcess(GONE + 1, DAY_S + HOUR_S);
    await sweepPartials(directory, /^bundle$/);
    expect(await left()).toEqual([basename(recent)]);
    await sweepPartials(directory, /^bundle$/, 0);
    expect(await left()).toEqual([]);
  });

  it('removes what another machine left no sooner, however short the time for this one is', async () => {
    const folder = await foreign(DAY_S - HOUR_S);
    await sweepPartials(directory, /^bundle$/, 0);
    expect(await left()).toEqual([basename(folder)]);
    await rm(folder, { recursive: true });
    await foreign(DAY_S + HOUR_S);
    await sweepPartials(directory, /^bundle$/, 0);
    expect(await left()).toEqual([]);
  });

  it('never removes what a process that runs is writing, this one included', async () => {
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void other.kill('SIGKILL'));
    await ofProcess(other.pid ?? 0, 9 * DAY_S);
    using mine = await claimPartial(target, async () => false);
    await utimes(mine.path, 1, 1);
    await sweepPartials(directory, /^bundle$/, 0);
    expect(await left()).toHaveLength(2);
  });

  it('lets the folders of other targets be, and what is no such folder', async () => {
    await ofProcess(GONE, 9 * DAY_S, 'mine');
    await mkdir(join(directory, 'bundle.partial-'));
    await mkdir(join(directory, 'bundle'));
    await sweepPartials(directory, /^bundle$/, 0);
    expect(await left()).toHaveLength(3);
  });

  it('does not mind a directory that is not there', async () => {
    await expect(sweepPartials(join(directory, 'none'), /./)).resolves.toBeUndefined();
  });
});
