import { EideticError } from '@eidetic/core';
import koffi, { type LibraryHandle } from 'koffi';
import { statusError } from './status.ts';

/** An address in native memory. Never leaves this package. */
export type Pointer = bigint;

/** What a parameter is in JavaScript, by kind. */
interface ParameterTypes {
  int: number;
  size: number;
  string: string;
  pointer: Pointer | null;
  /** Native code reads or writes it during the call only. */
  memory: ArrayBufferView;
  strings: readonly string[];
}

type Kind = keyof ParameterTypes;

const C_TYPES: Record<Kind, string> = {
  int: 'int',
  size: 'size_t',
  string: 'const char *',
  pointer: 'void *',
  memory: 'void *',
  strings: 'const char **',
};

interface Signature<Kinds extends readonly Kind[] = readonly Kind[]> {
  /** Position in the `OrtApi` table. */
  readonly index: number;
  readonly parameters: Kinds;
}

const entry = <const Kinds extends readonly Kind[]>(index: number, ...parameters: Kinds): Signature<Kinds> => ({
  index,
  parameters,
});

/** Functions that return nothing but a status. */
const CALLS = {
  SetOptimizedModelFilePath: entry(11, 'pointer', 'string'),
  EnableProfiling: entry(14, 'pointer', 'string'),
  SetSessionGraphOptimizationLevel: entry(23, 'pointer', 'int'),
  SetIntraOpNumThreads: entry(24, 'pointer', 'int'),
  SetInterOpNumThreads: entry(25, 'pointer', 'int'),
  GetDimensions: entry(62, 'pointer', 'memory', 'size'),
  GetSymbolicDimensions: entry(63, 'pointer', 'memory', 'size'),
  AllocatorFree: entry(76, 'pointer', 'pointer'),
  GetAvailableProviders: entry(125, 'memory', 'memory'),
  ReleaseAvailableProviders: entry(126, 'pointer', 'int'),
  AddSessionConfigEntry: entry(130, 'pointer', 'string', 'string'),
  RunWithBinding: entry(133, 'pointer', 'pointer', 'pointer'),
  AddRunConfigEntry: entry(165, 'pointer', 'string', 'string'),
  BindInput: entry(136, 'pointer', 'string', 'pointer'),
  BindOutput: entry(137, 'pointer', 'string', 'pointer'),
  SessionOptionsAppendExecutionProvider_CUDA_V2: entry(204, 'pointer', 'pointer'),
  UpdateCUDAProviderOptions: entry(206, 'pointer', 'strings', 'strings', 'size'),
  UpdateEnvWithCustomLogLevel: entry(226, 'pointer', 'int'),
} as const;

/** Functions that return a status and write one value of at most eight bytes through their last parameter. */
const GETTERS = {
  CreateEnv: entry(3, 'int', 'string'),
  CreateSession: entry(7, 'pointer', 'string', 'pointer'),
  CreateSessionFromArray: entry(8, 'pointer', 'pointer', 'size', 'pointer'),
  CreateSessionOptions: entry(10),
  CreateRunOptions: entry(39),
  SessionGetInputCount: entry(30, 'pointer'),
  SessionGetOutputCount: entry(31, 'pointer'),
  SessionGetInputTypeInfo: entry(33, 'pointer', 'size'),
  SessionGetOutputTypeInfo: entry(34, 'pointer', 'size'),
  SessionGetInputName: entry(36, 'pointer', 'size', 'pointer'),
  SessionGetOutputName: entry(37, 'pointer', 'size', 'pointer'),
  CreateTensorAsOrtValue: entry(48, 'pointer', 'memory', 'size', 'int'),
  CreateTensorWithDataAsOrtValue: entry(49, 'pointer', 'pointer', 'size', 'memory', 'size', 'int'),
  GetTensorMutableData: entry(51, 'pointer'),
  CastTypeInfoToTensorInfo: entry(55, 'pointer'),
  GetTensorElementType: entry(60, 'pointer'),
  GetDimensionsCount: entry(61, 'pointer'),
  CreateMemoryInfo: entry(68, 'string', 'int', 'int', 'int'),
  GetAllocatorWithDefaultOptions: entry(78),
  SessionEndProfiling: entry(110, 'pointer', 'pointer'),
  CreateAllocator: entry(131, 'pointer', 'pointer'),
  CreateIoBinding: entry(134, 'pointer'),
  GetTensorMemoryInfo: entry(194, 'pointer'),
  CreateCUDAProviderOptions: entry(205),
} as const;

/** Functions that release an object and return nothing. */
const RELEASES = {
  ReleaseStatus: 93,
  ReleaseMemoryInfo: 94,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseTypeInfo: 98,
  ReleaseSessionOptions: 100,
  ReleaseAllocator: 132,
  ReleaseIoBinding: 135,
  ReleaseCUDAProviderOptions: 208,
} as const;

const GET_ERROR_CODE = 1;
const GET_ERROR_MESSAGE = 2;

type Arguments<S> =
  S extends Signature<infer Kinds> ? { -readonly [I in keyof Kinds]: ParameterTypes[Kinds[I]] } : never;

/** A function of the table: throws for a failed status. `async` does the call on a libuv thread. */
interface Callable<A extends readonly unknown[], R> {
  (...args: A): R;
  async(...args: A): Promise<R>;
}

/** The functions of onnxruntime's C API that this package uses, under their C names. */
export type Api = {
  readonly [N in keyof typeof CALLS]: Callable<Arguments<(typeof CALLS)[N]>, void>;
} & {
  readonly [N in keyof typeof GETTERS]: Callable<Arguments<(typeof GETTERS)[N]>, Pointer>;
} & {
  readonly [N in keyof typeof RELEASES]: (pointer: Pointer) => void;
} & {
  /** Memory of the process, as onnxruntime describes it. */
  readonly hostMemory: Pointer;
  /** onnxruntime's own allocator: strings and arrays that it hands out are freed through it. */
  readonly allocator: Pointer;
};

type NativeFunction = ReturnType<LibraryHandle['func']>;

type Native = (index: number, result: string, parameters: readonly string[]) => NativeFunction;

/** Makes the functions of an `OrtApi` table callable. */
export function bindApi(table: Pointer): Api {
  const native = (index: number, result: string, parameters: readonly string[]): NativeFunction => {
    const address: Pointer = koffi.decode(table, index * koffi.sizeof('void *'), 'void *');
    return koffi.decode(address, koffi.proto(result, [...parameters]));
  };
  const check = statusCheck(native);
  const functions: Record<string, unknown> = {};
  for (const [name, { index, parameters }] of Object.entries(CALLS)) {
    functions[name] = bindCall(native(index, 'void *', parameters.map(cType)), check);
  }
  for (const [name, { index, parameters }] of Object.entries(GETTERS)) {
    functions[name] = bindGetter(native(index, 'void *', [...parameters.map(cType), C_TYPES.memory]), check);
  }
  for (const [name, index] of Object.entries(RELEASES)) functions[name] = native(index, 'void', [C_TYPES.pointer]);
  const api = functions as Api; // the names of the three tables, from which the type is made
  return {
    ...api,
    hostMemory: api.CreateMemoryInfo('Cpu', 0, 0, 0),
    allocator: api.GetAllocatorWithDefaultOptions(),
  };
}

const cType = (kind: Kind): string => C_TYPES[kind];

type Check = (status: Pointer | null) => void;

function statusCheck(native: Native): Check {
  const errorCode = native(GET_ERROR_CODE, 'int', ['void *']);
  const errorMessage = native(GET_ERROR_MESSAGE, 'const char *', ['void *']);
  const releaseStatus = native(RELEASES.ReleaseStatus, 'void', ['void *']);
  return (status) => {
    if (status === null) return;
    const error = statusError(errorCode(status), errorMessage(status));
    releaseStatus(status);
    throw error;
  };
}

function bindCall(call: NativeFunction, check: Check): Callable<readonly unknown[], void> {
  const sync = (...args: readonly unknown[]): void => check(call(...args));
  return Object.assign(sync, { async: (...args: readonly unknown[]) => callAsync(call, args).then(check) });
}

function bindGetter(call: NativeFunction, check: Check): Callable<readonly unknown[], Pointer> {
  const result = new BigUint64Array(new ArrayBuffer(8));
  const sync = (...args: readonly unknown[]): Pointer => {
    result[0] = 0n;
    check(call(...args, result));
    return result[0];
  };
  const async = async (...args: readonly unknown[]): Promise<Pointer> => {
    const own = new BigUint64Array(new ArrayBuffer(8));
    check(await callAsync(call, [...args, koffi.address(own)]));
    return own[0] ?? 0n;
  };
  return Object.assign(sync, { async });
}

function callAsync(call: NativeFunction, args: readonly unknown[]): Promise<Pointer | null> {
  return new Promise((resolve, reject) => {
    try {
      call.async(...args, (error: unknown, status: Pointer | null) => (error ? reject(error) : resolve(status)));
    } catch (cause) {
      const limit = koffi.config().max_async_calls ?? 0;
      throw new EideticError('overloaded', `More than ${limit} calls of onnxruntime are under way. Await some first.`, {
        cause,
      });
    }
  });
}
