import type { PictureEncoder } from '@eidetic/chat';
import { EideticError, type EmbeddingCache, type EncodeHandler, type EncodeJobResult } from '@eidetic/core';
import { callLeastLoaded, EndpointSet, type EndpointSetOptions } from '@eidetic/endpoints';
import {
  createRemoteVision,
  type EncodeOptions,
  type PictureJob,
  type PictureResult,
  type RemoteVision,
} from '@eidetic/vision-rpc';

/** What a pool of vision encoders is made of. */
export interface VisionPoolOptions extends Omit<EndpointSetOptions<RemoteVision>, 'connect'> {
  /** Of the model that is served: an encoder of another one gets no pictures. */
  readonly fingerprint: string;
  readonly tokensPerImage: number;
  /** Longest time that a single picture waits for an encoder when there is none, in milliseconds. */
  readonly patienceMs: number;
}

/** Encoding is the same wherever and however often it is done. */
const REPEAT = { attempts: 3, idempotent: true } as const;

/** How often it is looked whether an encoder is there, in milliseconds. */
const LOOK_MS = 100;

/** Many vision encoders as one: a call goes to the one that has least to do, and to another if that one is lost. */
export class VisionPool implements PictureEncoder, Disposable {
  readonly fingerprint: string;
  readonly tokensPerImage: number;
  readonly #set: EndpointSet<RemoteVision>;
  readonly #patienceMs: number;

  private constructor({ fingerprint, tokensPerImage, patienceMs, ...options }: VisionPoolOptions) {
    this.#patienceMs = patienceMs;
    this.fingerprint = fingerprint;
    this.tokensPerImage = tokensPerImage;
    this.#set = new EndpointSet<RemoteVision>({
      ...options,
      connect: async (channel, signal) => {
        const vision = await createRemoteVision(channel, signal);
        if (vision.model.fingerprint === fingerprint) return vision;
        throw new EideticError('invalid_config', `A vision encoder serves ${vision.model.name} in another version.`);
      },
    });
  }

  /**
   * Looks for encoders, and resolves once one is there.
   *
   * @throws the reason for which `signal` aborts.
   */
  static async create(options: VisionPoolOptions, signal: AbortSignal): Promise<VisionPool> {
    const pool = new VisionPool(options);
    while (pool.#set.candidates.length === 0) {
      if (signal.aborted) {
        pool[Symbol.dispose]();
        throw EideticError.from(signal.reason);
      }
      await pool.#set.changed(LOOK_MS, signal);
    }
    return pool;
  }

  /**
   * Encodes pictures; results are in their order.
   *
   * @throws EideticError when no encoder could be asked.
   */
  encodeAll(
    pictures: readonly PictureJob[],
    options: Pick<EncodeOptions, 'returnEmbeddings' | 'signal' | 'traceparent'> = {},
  ): Promise<readonly PictureResult[]> {
    const { returnEmbeddings = false, signal, traceparent } = options;
    const call = async (vision: RemoteVision, callSignal: AbortSignal): Promise<readonly PictureResult[]> => {
      const results = await vision.encode(pictures, { returnEmbeddings, signal: callSignal, traceparent });
      // A call that failed as a whole says so of each picture: another encoder may do better.
      const [first] = results;
      if (first !== undefined && !first.ok && results.every((result) => !result.ok && result.error.kind.retryable)) {
        throw first.error;
      }
      return results;
    };
    return callLeastLoaded(this.#set, call, { ...REPEAT, signal });
  }

  /** Encodes one picture, if need be when there is an encoder again: all of them may be starting. */
  async encode(...[picture, signal]: Parameters<PictureEncoder['encode']>): ReturnType<PictureEncoder['encode']> {
    const untilMs = performance.now() + this.#patienceMs;
    for (;;) {
      try {
        return await this.#encodeNow(picture, signal);
      } catch (reason) {
        const error = EideticError.from(reason);
        if (error.code !== 'unavailable' || signal?.aborted || performance.now() >= untilMs) throw error;
        await this.#set.changed(LOOK_MS, signal);
      }
    }
  }

  async #encodeNow(...[picture, signal]: Parameters<PictureEncoder['encode']>): ReturnType<PictureEncoder['encode']> {
    const { traceparent } = picture;
    const [result] = await this.encodeAll([picture], { returnEmbeddings: true, signal, traceparent });
    if (result === undefined) throw new EideticError('inference_failed', 'The vision encoder gave no result.');
    if (!result.ok) throw result.error;
    if (result.embedding !== undefined) return result.embedding;
    throw new EideticError('inference_failed', 'The vision encoder gave no embedding.');
  }

  /** Ends every call and connection. */
  [Symbol.dispose](): void {
    this.#set[Symbol.dispose]();
  }
}

/** Handles batches of the encode queue with a pool. What the encoders could not put into the shared cache goes to `cache`. */
export const encodeHandler =
  (pool: VisionPool, cache: EmbeddingCache): EncodeHandler =>
  async (jobs) => {
    // What traces a batch gives all its jobs the context of the batch.
    const results = await pool.encodeAll(jobs, { traceparent: jobs[0]?.traceparent });
    return Promise.all(
      results.map(async (result, i): Promise<EncodeJobResult> => {
        if (!result.ok) return result;
        if (result.embedding !== undefined) await cache.set(jobs[i]?.key ?? '', result.embedding);
        return { ok: true, tokens: result.tokens, timings: result.timings };
      }),
    );
  };
