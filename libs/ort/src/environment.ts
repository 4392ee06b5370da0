import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import { Handle } from './handle.ts';
import { type Library, loadLibrary } from './library.ts';
import { Session } from './session.ts';
import type { Device } from './session-core.ts';
import { createSessionOptions, type SessionOptions } from './session-options.ts';
import { sessionError } from './status.ts';
import { readInputs, readOutputs } from './value-info.ts';

const LOG_LEVELS = ['verbose', 'info', 'warning', 'error', 'fatal'] as const;

/** Least severe messages that onnxruntime writes to standard error. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How onnxruntime is loaded. */
export interface EnvironmentOptions {
  /** The `libonnxruntime.so.1` to load, for instance one with CUDA; default the one inside onnxruntime-node. */
  readonly libraryPath?: string;
  /** Default `error`. */
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
    const environment = new Environment(library, options.logLevel ?? 'error');
    environments.set(library, environment);
    return environment;
  }

  /** Version of onnxruntime, such as `1.29.0`. */
  get version(): string {
    return this.#library.version;
  }

  /** Execution providers that the library was built with, such as `CPUExecutionProvider`. */
  providers(): readonly string[] {
    const { api } = this.#library;
    const [address, count] = [new BigUint64Array(1), new Int32Array(1)];
    api.GetAvailableProviders(address, count);
    try {
      return koffi.decode(address[0], 'char *', count[0] ?? 0);
    } finally {
      api.ReleaseAvailableProviders(address[0] ?? 0n, count[0] ?? 0);
    }
  }

  /**
   * Loads a model from a file or from the bytes of one, on a libuv thread. Throws `invalid_bundle` when the model cannot be
   * loaded, `invalid_config` when an option or the provider is not to be had.
   */
  async createSession(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const library = this.#library;
    const { api } = library;
    const name = typeof model === 'string' ? model : `of ${model.byteLength} bytes`;
    const native = createSessionOptions(library, options, this.providers());
    let pointer: Pointer;
    try {
      pointer = await (typeof model === 'string'
        ? api.CreateSession.async(this.#pointer, model, native)
        : api.CreateSessionFromArray.async(this.#pointer, addressOf(model), model.byteLength, native));
    } catch (error) {
      throw sessionError(error, name);
    } finally {
      api.ReleaseSessionOptions(native);
    }
    const handle = new Handle(pointer, () => api.ReleaseSession(pointer));
    try {
      const [inputs, outputs] = [readInputs(library, pointer), readOutputs(library, pointer)];
      return new Session({ library, handle, model: name, device: deviceOf(options), inputs, outputs, released: false });
    } catch (error) {
      handle.drop();
      throw error;
    }
  }
}

function addressOf(bytes: Uint8Array): Pointer {
  if (bytes.byteLength === 0) throw new EideticError('invalid_bundle', 'The bytes of the model are empty.');
  void bytes.buffer; // moves a small array out of V8's heap, where it would not stay in place
  return koffi.address(bytes);
}

function deviceOf({ provider = 'cpu' }: SessionOptions): Device {
  return provider === 'cpu' ? { location: 'cpu', id: 0 } : { location: 'cuda', id: provider.cuda.deviceId ?? 0 };
}
