import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { checkProvider, loadRuntime } from './runtime.ts';
import { MODEL_SETTINGS } from './settings.ts';

const configOf = (env: Readonly<Record<string, string>>) => loadConfig(MODEL_SETTINGS, env);

it('computes on the CPU unless it is told otherwise', () => {
  const { environment, session } = loadRuntime(configOf({ EIDETIC_THREADS: '3' }));
  expect(session).toEqual({ intraOpThreads: 3 });
  expect(environment.version).toMatch(/^1\./);
});

it('sets CUDA up as the settings say', () => {
  const env = {
    EIDETIC_PROVIDER: 'cuda',
    EIDETIC_CUDA_DEVICE: '2',
    EIDETIC_CUDA_MEMORY: '20GiB',
    EIDETIC_THREADS: '1',
  };
  expect(loadRuntime(configOf(env)).session).toEqual({
    intraOpThreads: 1,
    provider: { cuda: { deviceId: 2, gpu_mem_limit: 20 * 2 ** 30, arena_extend_strategy: 'kSameAsRequested' } },
  });
});

it('refuses to start on CUDA where that is not there, and names what is missing', () => {
  // The library that comes along has no CUDA provider beside it, whatever the machine has.
  expect(() => checkProvider(configOf({ EIDETIC_PROVIDER: 'cuda' }))).toThrow(
    expect.objectContaining({
      code: 'invalid_config',
      message: expect.stringContaining('libonnxruntime_providers_cuda.so'),
    }),
  );
  expect(() => checkProvider(configOf({}))).not.toThrow();
});

it('names the library that is not where the settings say', () => {
  const config = configOf({ EIDETIC_ONNXRUNTIME_LIBRARY: '/nowhere/libonnxruntime.so' });
  expect(() => loadRuntime(config)).toThrow(expect.objectContaining({ code: 'invalid_config' }));
});
