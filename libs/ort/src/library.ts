import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EideticError } from '@eidetic/core';
import koffi, { type LibraryHandle } from 'koffi';
import { type Api, bindApi, type Pointer } from './api.ts';

/** Version of the `OrtApi` table that is asked for; the table is append-only, so later libraries serve it too. */
const ORT_API_VERSION = 29;

/** Native code that allocates on the stack, the CUDA provider above all, crashes on koffi's default of 128 kiB. */
const STACK_SIZE_BYTES = 16 * 1024 * 1024;

/** A loaded onnxruntime. */
export interface Library {
  readonly path: string;
  /** Such as `1.29.0`. */
  readonly version: string;
  readonly api: Api;
  /** koffi unloads a library whose handle is collected, whatever function pointers were taken from it. */
  readonly handle: LibraryHandle;
}

const libraries = new Map<string, Library>();

/**
 * Loads the shared library, once per path: `path`, or the one inside the package onnxruntime-node.
 * Throws `invalid_config` when there is none, it cannot be loaded or it is too old.
 */
export function loadLibrary(path?: string): Library {
  const found = locate(path);
  const loaded = libraries.get(found);
  if (loaded) return loaded;
  growStacks();
  disableTelemetry();
  const library = open(found);
  libraries.set(found, library);
  return library;
}

/**
 * From 1.29 on, onnxruntime reports to Microsoft what it runs, unless this variable says no when the library is first used. Reporting also
 * crashes 1.29.0 where there is neither /etc/machine-id nor a shell, as in small containers
 * (https://github.com/microsoft/onnxruntime/issues/32173). In a worker thread the variable does not reach the library: it is to be loaded
 * in the main thread first.
 */
function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}

function locate(path: string | undefined): string {
  const wanted = path ?? packagedLibrary();
  if (!existsSync(wanted)) {
    throw new EideticError(
      'invalid_config',
      path === undefined
        ? `onnxruntime-node has no library for ${process.platform} ${process.arch} (${wanted}). Reinstall the package, or name the libonnxruntime.so.1 of an onnxruntime release as the library path.`
        : `There is no onnxruntime library at ${path}. Name the libonnxruntime.so.1 of an onnxruntime release (1.${ORT_API_VERSION} or later), or leave the path out to use the one that onnxruntime-node ships.`,
    );
  }
  return realpathSync(wanted);
}

function packagedLibrary(): string {
  const require = createRequire(import.meta.url);
  try {
    const root = dirname(require.resolve('onnxruntime-node/package.json'));
    return join(root, 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime.so.1');
  } catch (cause) {
    throw new EideticError(
      'invalid_config',
      'The package onnxruntime-node is not installed. Install it, or name a libonnxruntime.so.1 as the library path.',
      { cause },
    );
  }
}

function open(path: string): Library {
  try {
    const handle = koffi.load(path);
    const base: Pointer = handle.func('OrtGetApiBase', 'void *', [])();
    const [getApi, getVersion]: Pointer[] = koffi.decode(base, koffi.array('void *', 2));
    const version: string = koffi.decode(getVersion, koffi.proto('const char *', []))();
    const api: Pointer | null = koffi.decode(getApi, koffi.proto('void *', ['uint32_t']))(ORT_API_VERSION);
    if (api === null) {
      throw new Error(`it is version ${version}, and version 1.${ORT_API_VERSION} or later is needed`);
    }
    return { path, version, handle, api: bindApi(api) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EideticError('invalid_config', `Cannot use ${path} as the onnxruntime library: ${reason}.`, { cause });
  }
}

function growStacks(): void {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  if (sync >= STACK_SIZE_BYTES && async >= STACK_SIZE_BYTES) return;
  koffi.config({ sync_stack_size: STACK_SIZE_BYTES, async_stack_size: STACK_SIZE_BYTES });
}
