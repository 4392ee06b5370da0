import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processOwner } from '@eidetic/folders';
import { expect, it, onTestFinished } from 'vitest';
import { openData } from './open-data.ts';

const quiet = (): void => undefined;

it('has a directory to itself, until it lets go of it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-data-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'not', 'there', 'yet');
  {
    await using _first = await openData(path, quiet);
    await expect(openData(path, quiet)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/EIDETIC_DATA_DIR/),
    });
  }
  await using _second = await openData(path, quiet);
  expect((await readdir(path)).toSorted()).toEqual(['batches', 'files']);
});

it('says which setting is wrong when the directory cannot be made', async () => {
  await expect(openData('/dev/null/data', quiet)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/^EIDETIC_DATA_DIR/),
  });
});

it.runIf(process.platform === 'linux')('says so too where the system knows no such directory', async () => {
  await expect(openData('/proc/eidetic/data', quiet)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/^EIDETIC_DATA_DIR cannot be made: ENOENT/),
  });
});

it('leaves nothing behind without a directory', async () => {
  const mine = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith(`eidetic-data-${processOwner()}-`));
  {
    await using _data = await openData(undefined, quiet);
    expect(await mine()).toHaveLength(1);
  }
  expect(await mine()).toEqual([]);
});
