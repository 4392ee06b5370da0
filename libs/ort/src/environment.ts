import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import { cudaRuntime } from './cuda-runtime.ts';
import { Handle } from './handle.ts';
import { type Library, loadLibrary } from './library.ts';
import { builtInProviders, checkCuda } from './providers.ts';
import { Session } from './session.ts';
import type { SessionCore } from './session-core.ts';
import { createSessionOptions, type SessionOptions } from './session-options.ts';
import { sessionError } from './status.ts';
import { checkBuffer } from './tensor.ts';
import { readInputs, readOutputs } from './value-info.ts';

const LOG_LEVELS = ['verbose', 'info', 'warning', 'error', 'fatal'] as const;

/** Least severe messages that onnxruntime writes to standard error. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How onnxruntime is loaded. */
export interface EnvironmentOptions {
  /** The `libonnxruntime.so.1` to load, for instance one with CUDA; default the one inside onnxruntime-node. */
  readonly libraryPath?: string;
  /** Default `fatal`: what goes wrong is thrown, no need to log it as well. */
  readonly logLevel?: LogLevel;
}

const environments = new Map<Library, Environment>();

/** onnxruntime, loaded: where sessions come from. One per library and process, never released. */
export class Environment {
  readonly #library: Library;
  readonly #pointer: Pointer;

  private constructor(library: Library, logLevel: LogLevel) {
    this.#library = library;
    this.#pointer = library.api.CreateEnv(LOG_LEVELS.indexOf(logLevel), 'eidetic');
  }

  /** Loads the library, or finds it loaded. Throws `invalid_config` when it is missing or unusable. */
  static load(options: EnvironmentOptions = {}): Environment {
    const library = loadLibrary(options.libraryPath);
    const loaded = environments.get(library);
    if (loaded) {
      if (options.logLevel)
        library.api.UpdateEnvWithCustomLogLevel(loaded.#pointer, LOG_LEVELS.indexOf(options.logLevel));
      return loaded;
    }
    const environment = new Environment(library, options.logLevel ?? 'fatal');
    environments.set(library, environment);
    return environment;
  }

  /** Version of onnxruntime, such as `1.29.0`. */
  get version(): string {
    return this.#library.version;
  }

  /** The library that is loaded. */
  get libraryPath(): string {
    return this.#library.path;
  }

  /** Execution providers that the library was built with, such as `CPUExecutionProvider`. */
  providers(): readonly string[] {
    return builtInProviders(this.#library);
  }

  /**
   * Looks for everything that CUDA needs, and returns how many devices there are.
   *
   * @throws EideticError `invalid_config` that names every library that is missing and how to get it, or what CUDA has against the device
   */
  checkCuda(): number {
    return checkCuda(this.#library);
  }

  /**
   * Loads a model from a file or from the bytes of one, on a libuv thread. Throws `invalid_bundle` when the model cannot be
   * loaded, `invalid_config` when an option or the provider is not to be had.
   */
  async createSession(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const library = this.#library;
    const pointer = await this.#load(model, options);
    const handle = new Handle(pointer, () => library.api.ReleaseSession(pointer));
    try {
      return new Session({
        library,
        handle,
        model: nameOf(model),
        ...deviceOf(options),
        inputs: readInputs(library, pointer),
        outputs: readOutputs(library, pointer),
        released: false,
      });
    } catch (error) {
      handle.drop();
      throw error;
    }
  }

  async #load(model: string | Uint8Array, options: SessionOptions): Promise<Pointer> {
    const { api } = this.#library;
    const native = createSessionOptions(this.#library, options);
    try {
      if (typeof model === 'string') return await api.CreateSession.async(this.#pointer, model, native);
      return await api.CreateSessionFromArray.async(this.#pointer, addressOf(model), model.byteLength, native);
    } catch (error) {
      throw sessionError(error, nameOf(model));
    } finally {
      api.ReleaseSessionOptions(native);
    }
  }
}

const nameOf = (model: string | Uint8Array): string =>
  typeof model === 'string' ? model : `a model of ${model.length} bytes`;

function addressOf(bytes: Uint8Array): Pointer {
  checkBuffer(bytes.buffer);
  if (bytes.length === 0) throw new EideticError('invalid_bundle', 'It has no bytes.');
  return koffi.address(bytes);
}

function deviceOf({ provider = 'cpu' }: SessionOptions): Pick<SessionCore, 'device' | 'cuda'> {
  if (provider === 'cpu') return { device: { location: 'cpu', id: 0 } };
  const { deviceId = 0 } = provider.cuda;
  return { device: { location: 'cuda', id: deviceId }, cuda: cudaRuntime(deviceId) };
}
