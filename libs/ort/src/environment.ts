import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import { Handle } from './handle.ts';
import { type Library, loadLibrary } from './library.ts';
import { builtInProviders } from './providers.ts';
import { Session } from './session.ts';
import type { Device } from './session-core.ts';
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

/** An ONNX model: `y = Identity(x)` over uint8 of any length. */
const COPY_MODEL = Buffer.from(
  'CAg6PAoQCgF4EgF5IghJZGVudGl0eRIEdGlueVoQCgF4EgsKCQgCEgUKAxIBbmIQCgF5EgsKCQgCEgUKAxIBbkIECgAQEQ==',
  'base64',
);

const environments = new Map<Library, Environment>();

/** onnxruntime, loaded: where sessions come from. One per library and process, never released. */
export class Environment {
  readonly #library: Library;
  readonly #pointer: Pointer;
  readonly #copiers = new Map<string, Promise<Session>>();

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
        device: deviceOf(options),
        inputs: readInputs(library, pointer),
        outputs: readOutputs(library, pointer),
        copier: () => this.#copier(options.provider),
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

  /** One per provider, kept: making a session costs much more than a copy. */
  #copier(provider: SessionOptions['provider'] = 'cpu'): Promise<Session> {
    const key = JSON.stringify(provider);
    const made = this.#copiers.get(key);
    if (made) return made;
    const copier = this.createSession(COPY_MODEL, { provider, intraOpThreads: 1 });
    this.#copiers.set(key, copier);
    copier.catch(() => this.#copiers.delete(key)); // the caller has the error; the next copy tries again
    return copier;
  }
}

const nameOf = (model: string | Uint8Array): string =>
  typeof model === 'string' ? model : `a model of ${model.length} bytes`;

function addressOf(bytes: Uint8Array): Pointer {
  checkBuffer(bytes.buffer);
  if (bytes.length === 0) throw new EideticError('invalid_bundle', 'It has no bytes.');
  return koffi.address(bytes);
}

function deviceOf({ provider = 'cpu' }: SessionOptions): Device {
  return provider === 'cpu' ? { location: 'cpu', id: 0 } : { location: 'cuda', id: provider.cuda.deviceId ?? 0 };
}
