import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import type { Figure } from './measure.ts';
import { readOptions } from './options.ts';
import { formatFigures } from './report.ts';
import { measureTorch } from './torch.ts';

it('measures a tiny model on the CPU, says so in a table and in JSON, and leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-bench-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const out = join(folder, 'figures.json');
  const args = ['--provider=cpu', '--shape=tiny', '--precisions=int4', '--vision-batches=1', '--decode-batches=1,2'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), ...args, '--context=8', `--directory=${folder}`, `--out=${out}`],
    { env: { PATH: process.env.PATH } },
  );
  expect(stdout).toMatch(/\| vision \| eidetic float32 \| 1 \|.*pictures\/s/);
  expect(stdout).toMatch(/\| decode \| eidetic int4 \| 2 \|.*tokens\/s.*%/);
  const { figures }: { figures: Figure[] } = JSON.parse(await readFile(out, 'utf8'));
  expect(figures.map(({ what, batch }) => `${what} ${batch}`)).toEqual(['copy 1', 'vision 1', 'decode 1', 'decode 2']);
  expect(figures.every(({ perSecond }) => perSecond > 0)).toBe(true);
  expect(await readdir(folder)).toEqual(['figures.json']);
}, 120_000);

it('sets figures beside the best of PyTorch, and beside the memory', () => {
  const figure = (who: string, perSecond: number, more: Partial<Figure> = {}): Figure => {
    const stepMs = { min: 1, median: 10, max: 100, rounds: 3 };
    return { what: 'decode', who, batch: 8, stepMs, perSecond, ...more };
  };
  const table = formatFigures([
    figure('device to device', 2e12, { what: 'copy', batch: 1 }),
    figure('eidetic float16', 300, { readBytes: 15e9 }),
    figure('PyTorch eager float16', 100),
    figure('PyTorch sdpa float16', 200),
    figure('PyTorch sdpa float16', 900, { batch: 1 }),
  ]);
  expect(table).toContain('| decode | eidetic float16 | 8 | 10.00 (1.00 to 100.00) | 300.0 tokens/s | 1.50x | 75 % |');
  expect(table).toContain('| copy | device to device | 1 | 10.00 (1.00 to 100.00) | 2000.0 GB/s |  |  |');
});

it('keeps what PyTorch measured before it ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-bench-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const python = join(folder, 'python');
  const measured = JSON.stringify({ what: 'decode', who: 'sdpa float16', batch: 8, times: [4] });
  await writeFile(python, `#!/bin/sh\necho '${measured}'\nexit 7\n`, { mode: 0o755 });
  const { figures, failure } = await measureTorch('config.json', readOptions(['--python', python]));
  expect(figures).toMatchObject([{ who: 'PyTorch sdpa float16', batch: 8, perSecond: 2000 }]);
  expect(failure?.message).toContain('ended with 7');
  const missing = await measureTorch('config.json', readOptions(['--python', join(folder, 'none')]));
  expect(missing.failure?.message).toContain('ENOENT');
});
