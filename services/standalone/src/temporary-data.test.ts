import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { lockDirectory } from './lock-directory.ts';
import { makeTemporaryData } from './temporary-data.ts';

/** The largest process id of Linux plus one never runs. */
const GONE = 4194305;
const DAY_S = 24 * 3600;

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'eidetic-temporary-'));
});
afterEach(() => rm(parent, { recursive: true }));

/** A directory with a file in it, as a server that was killed leaves it; written to so many days ago. */
const leave = async (owner: string, days = 0): Promise<string> => {
  const path = join(parent, `eidetic-data-${owner}-aB3xYz`);
  const file = join(path, 'files', 'one.data');
  await mkdir(join(path, 'files'), { recursive: true });
  await writeFile(file, 'x');
  const writtenAt = Date.now() / 1000 - days * DAY_S;
  await utimes(file, writtenAt, writtenAt);
  for (const folder of [join(path, 'files'), path]) await utimes(folder, 1, 1);
  return path;
};

/** What is left once a server starts, without its own. */
const leftAfterStart = async (): Promise<string[]> => {
  await using own = await makeTemporaryData(parent);
  return (await readdir(parent)).filter((name) => name !== basename(own.path));
};

it('removes what a killed server of this machine left, at once', async () => {
  await leave(`${hostname()}-${GONE}`);
  // A container that is started again has the same name, and its process the same number.
  await leave(`${hostname()}-${process.pid}`);
  expect(await leftAfterStart()).toEqual([]);
});

it('leaves the directory of a server that runs, however old it is', async () => {
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(async () => {
    other.kill('SIGKILL');
    await once(other, 'exit');
  });
  const path = await leave(`${hostname()}-${other.pid}`, 400);
  await using mine = await makeTemporaryData(parent);
  await utimes(mine.path, 1, 1);
  expect((await leftAfterStart()).toSorted()).toEqual([path, mine.path].map((each) => basename(each)).toSorted());
});

it.runIf(process.platform === 'linux')('leaves one that another holds whose process it cannot see', async () => {
  const path = await leave(`${hostname()}-${GONE}`);
  {
    await using _lock = await lockDirectory(path);
    expect(await leftAfterStart()).toEqual([basename(path)]);
  }
  expect(await leftAfterStart()).toEqual([]);
});

it('leaves one of another machine, until nothing was written to it for 30 days', async () => {
  const path = await leave('some-pod-7-1', 29);
  expect(await leftAfterStart()).toEqual([basename(path)]);
  await leave('some-pod-7-1', 31);
  expect(await leftAfterStart()).toEqual([]);
});

it('lets everything else be', async () => {
  await mkdir(join(parent, `eidetic-data-${hostname()}-${GONE}`));
  await mkdir(join(parent, 'eidetic-data-aB3xYz'));
  expect(await leftAfterStart()).toHaveLength(2);
});
