import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EideticError } from '@eidetic/core';
import { memoryLimit, type ReadText } from '@eidetic/model-loader';
import { expect, it, onTestFinished } from 'vitest';
import { checkClock, checkCpu, checkNode, checkOpenFiles, checkThreads } from './check-machine.ts';
import { checkMemory } from './check-model.ts';
import { checkGpu } from './check-onnxruntime.ts';
import { readTextBelow } from './machine.ts';

/** A machine that has these files. */
const machine = async (files: Readonly<Record<string, string>>): Promise<ReadText> => {
  const root = await mkdtemp(join(tmpdir(), 'doctor-machine-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return readTextBelow(root);
};

it('wants the Node.js that runs TypeScript as it is', () => {
  expect(checkNode('v24.1.0').verdict).toBe('ok');
  expect(checkNode('v22.18.0')).toMatchObject({ verdict: 'problem', message: expect.stringContaining('24 or later') });
});

it.each([
  ['flags\t\t: fpu sse2 avx2 avx512f avx512_vnni', 'ok', /^AVX2, AVX-512, VNNI\. Advised: int8/],
  ['flags\t\t: fpu sse2 avx2', 'ok', /^AVX2\. Advised: int8/],
  ['flags\t\t: fpu sse2 avx', 'warning', /no AVX2/],
  ['Features\t: fp asimd asimddp i8mm', 'ok', /^NEON, dot products, I8MM/],
])('reads the instructions of %j', async (cpuinfo, verdict, message) => {
  const readText = await machine({ 'proc/cpuinfo': `processor : 0\n${cpuinfo}\n` });
  expect(await checkCpu(readText)).toMatchObject({ verdict, message: expect.stringMatching(message) });
});

it('counts threads against the cores that the container may use', async () => {
  const two = await machine({ 'sys/fs/cgroup/cpu.max': '250000 100000\n' });
  expect(await checkThreads(two, 2, 8)).toMatchObject({ verdict: 'ok' });
  expect(await checkThreads(two, 8, 8)).toMatchObject({
    verdict: 'warning',
    message: expect.stringContaining('2.5 of 8 cores'),
    remedy: expect.stringContaining('EIDETIC_THREADS=2'),
  });
  const older = await machine({
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  });
  expect(await checkThreads(older, 2, 8)).toMatchObject({ verdict: 'warning' });
  for (const free of [await machine({}), await machine({ 'sys/fs/cgroup/cpu.max': 'max 100000\n' })]) {
    expect(await checkThreads(free, 8, 8)).toMatchObject({ verdict: 'ok' });
  }
});

it('reads the limit of memory in both versions of control groups', async () => {
  expect(await memoryLimit(await machine({ 'sys/fs/cgroup/memory.max': '1073741824\n' }))).toBe(2 ** 30);
  expect(await memoryLimit(await machine({ 'sys/fs/cgroup/memory.max': 'max\n' }))).toBeUndefined();
  const older = 'sys/fs/cgroup/memory/memory.limit_in_bytes';
  expect(await memoryLimit(await machine({ [older]: '1073741824\n' }))).toBe(2 ** 30);
  expect(await memoryLimit(await machine({ [older]: '9223372036854771712\n' }))).toBeUndefined();
});

it('tells memory that is not there from memory that others have', () => {
  const GIB = 2 ** 30;
  expect(checkMemory(2 * GIB, 4 * GIB, 8 * GIB, undefined).verdict).toBe('ok');
  expect(checkMemory(6 * GIB, 4 * GIB, 8 * GIB, undefined).verdict).toBe('warning');
  expect(checkMemory(9 * GIB, 4 * GIB, 8 * GIB, undefined).verdict).toBe('problem');
  expect(checkMemory(2 * GIB, 4 * GIB, 8 * GIB, GIB)).toMatchObject({
    verdict: 'problem',
    message: expect.stringContaining('the limit of the container'),
  });
});

it('reads the limit of open files', async () => {
  const limits = (soft: string): string =>
    `Limit  Soft Limit  Hard Limit\nMax open files            ${soft}   9000   files\n`;
  const verdictOf = async (soft: string) =>
    (await checkOpenFiles(await machine({ 'proc/self/limits': limits(soft) }))).verdict;
  expect(await Promise.all(['1024', '4096', 'unlimited'].map(verdictOf))).toEqual(['warning', 'ok', 'ok']);
});

it('names what a GPU misses', async () => {
  const version = 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n';
  const gpu = await machine({ 'proc/driver/nvidia/version': version });
  const none = await machine({});
  const missing = (): never => {
    throw new EideticError('invalid_config', 'CUDA cannot be used: libcublas.so.13 cannot be loaded.');
  };
  const found = async (...args: Parameters<typeof checkGpu>): Promise<string> => {
    const { verdict, message } = await checkGpu(...args);
    return `${verdict}: ${message}`;
  };
  expect(await found(none, 'cpu', missing)).toBe('ok: none with an NVIDIA driver: the CPU computes');
  expect(await found(gpu, 'cpu', missing)).toMatch(
    /^warning: NVIDIA driver 550\.54\.15, but the CPU computes.*libcublas/,
  );
  expect(await found(gpu, 'cpu', () => 2)).toMatch(/^warning: .*550\.54\.15, 2 for CUDA 13, but/);
  expect(await found(gpu, 'cuda', () => 2)).toBe('ok: NVIDIA driver 550.54.15, 2 for CUDA 13');
  expect(await found(none, 'cuda', missing)).toMatch(/^problem: no NVIDIA driver\. .*libcublas/);
});

it('doubts a clock before its own time, or far from that of Redis', () => {
  expect(checkClock(1000, 2000, undefined).verdict).toBe('problem');
  expect(checkClock(20_000, 2000, 21_000).verdict).toBe('ok');
  expect(checkClock(20_000, 2000, 60_000)).toMatchObject({
    verdict: 'warning',
    message: expect.stringContaining('40 s from that of Redis'),
  });
});
