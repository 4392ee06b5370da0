import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openCudaLibraries, openCudaLibrary, remedyFor } from './cuda-libraries.ts';
import { loadLibrary } from './library.ts';

it('finds the libraries of Python wheels beside onnxruntime', async () => {
  const { path: anyLibrary } = loadLibrary();
  const packages = await mkdtemp(join(tmpdir(), 'eidetic-cuda-'));
  onTestFinished(() => rm(packages, { recursive: true }));
  const library = join(packages, 'onnxruntime/capi/libonnxruntime.so.1');
  const missing = openCudaLibraries(library).map(({ file }) => file);
  await mkdir(join(packages, 'nvidia/cu13/lib'), { recursive: true });
  // Any library will do: what is tested is that it is found.
  for (const file of missing) await symlink(anyLibrary, join(packages, 'nvidia/cu13/lib', file));
  expect(openCudaLibraries(library)).toEqual([]);
});

it('does without a library that is not there', () => {
  expect(openCudaLibrary('libnone.so.99', ['/nowhere'])).toBeUndefined();
});

it('says how to get each missing library, and the driver by other means', () => {
  const runtime = { file: 'libcudart.so.13', source: { wheel: 'nvidia-cuda-runtime', debian: 'cuda-cudart-13-0' } };
  const blas = { file: 'libcublas.so.13', source: { wheel: 'nvidia-cublas', debian: 'libcublas-13-0' } };
  const both = remedyFor([runtime, blas, { ...blas, file: 'libcublasLt.so.13' }]);
  expect(both).toMatch(
    /pip install nvidia-cuda-runtime nvidia-cublas,.*apt-get install cuda-cudart-13-0 libcublas-13-0\./,
  );
  expect(both).not.toContain('driver');
  expect(remedyFor([{ file: 'libcuda.so.1' }])).toMatch(/NVIDIA driver, 580 or later.*--gpus all\)\.$/);
});
