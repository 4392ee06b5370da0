import { expect, it } from 'vitest';
import { type CudaFunctions, createRuntime } from './cuda-runtime.ts';

/** CUDA's functions, which write down what is called, and return 0 but for those that `fail`. */
function recorded(...fail: readonly string[]) {
  const calls: string[] = [];
  const functions = new Proxy({} as CudaFunctions, {
    get: (_, name: string) => {
      if (name === 'cudaGetErrorString') return (status: number) => `error ${status}`;
      return (...args: readonly unknown[]) => {
        calls.push(`${name}(${args.join()})`);
        return fail.includes(name) ? 700 : 0;
      };
    },
  });
  return { calls, cuda: createRuntime(functions, 3) };
}

it('does each copy on its device, and waits for it', () => {
  const { calls, cuda } = recorded();
  cuda.copy(10n, 20n, 5);
  cuda.copyPieces(10n, 20n, { sizeBytes: 4, strideBytes: 64, count: 2 });
  cuda.clear(10n, 5);
  const around = (call: string): string[] => ['cudaSetDevice(3)', call, 'cudaStreamSynchronize()'];
  expect(calls).toEqual([
    ...around('cudaMemcpy(10,20,5,4)'),
    ...around('cudaMemcpy2D(10,64,20,64,4,2,4)'),
    ...around('cudaMemset(10,0,5)'),
  ]);
});

it('throws what CUDA says', () => {
  const expected = expect.objectContaining({ code: 'inference_failed', message: 'CUDA: error 700.' });
  expect(() => recorded('cudaMemcpy').cuda.copy(1n, 2n, 3)).toThrow(expected);
  expect(() => recorded('cudaStreamSynchronize').cuda.clear(1n, 2)).toThrow(expected);
  expect(() => recorded('cudaSetDevice').cuda.memory()).toThrow(expected);
});

it('does without pinned memory where there is none, and leaves no error behind', () => {
  const { calls, cuda } = recorded('cudaHostRegister');
  expect(cuda.pin(1n, 4096)).toBe(false);
  expect(calls.at(-1)).toBe('cudaGetLastError()');
  expect(recorded().cuda.pin(1n, 4096)).toBe(true);
});
