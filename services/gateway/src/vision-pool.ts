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
  /** Longest time that a picture waits for an encoder when there is none, in milliseconds. */
  readonly patienceMs: number;
}

/** Encoding is the same wherever and however often it is done. */
const REPEAT = { attempts: 3, idempotent: true } as const;

/** How often it is looked whether an encoder is there, in milliseconds. */
const LOOK_MS = 100;

/** Many vision encoders as one, or none yet: a call goes to the one that has least to do, and to another if that one is lost. */
export class VisionPool implements PictureEncoder, Disposable {
  readonly fingerprint: string;
  readonly tokensPerImage: number;
  readonly #set: EndpointSet<RemoteVision>;
  readonly #patienceMs: number;
  readonly #followers = new Set<(there: boolean) => void>();
  #told = false;
  #closed = false;

  /** Begins to look for encoders. */
  constructor({ fingerprint, tokensPerImage, patienceMs, ...options }: VisionPoolOptions) {
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
    void this.#look();
  }

  /** Whether a call could go to an encoder now. */
  get available(): boolean {
    return this.#set.candidates.length > 0;
  }

  /** Calls `follower` with {@link available}, now and whenever it has changed, until what is returned is disposed. */
  follow(follower: (available: boolean) => void): Disposable {
    this.#followers.add(follower);
    follower(this.#told);
    return { [Symbol.dispose]: () => void this.#followers.delete(follower) };
  }

  /** A signal that aborts with `unavailable` once there has been no encoder for as long as a picture waits for one. */
  watchAbsence(): { readonly signal: AbortSignal } & Disposable {
    const absent = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const giveUp = (): void => absent.abort(nobodyThere(this.#patienceMs));
    const following = this.follow((available) => {
      clearTimeout(timer);
      if (!available) timer = setTimeout(giveUp, this.#patienceMs);
    });
    return {
      signal: absent.signal,
      [Symbol.dispose]() {
        clearTimeout(timer);
        following[Symbol.dispose]();
      },
    };
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
        if (error.code !== 'unavailable' || signal?.aborted) throw error;
        if (performance.now() >= untilMs) throw this.available ? error : nobodyThere(this.#patienceMs);
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
    this.#closed = true;
    this.#set[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    while (!this.#closed) {
      const { available } = this;
      if (available !== this.#told) {
        this.#told = available;
        for (const follower of this.#followers) follower(available);
      }
      // A circuit breaker lets a call through after some time, of which nothing tells.
      await this.#set.changed(LOOK_MS);
    }
  }
}

const nobodyThere = (patienceMs: number): EideticError => {
  const message = `No vision encoder has been there for ${patienceMs} ms. Ask again later; chats without new pictures are answered.`;
  return new EideticError('unavailable', message);
};

/** Handles batches of the encode queue with a pool. What the encoders could not put into the shared cache goes to `cache`. */
export const encodeHandler =
  (pool: VisionPool, cache: EmbeddingCache): EncodeHandler =>
  async (jobs, signal) => {
    // What traces a batch gives all its jobs the context of the batch.
    const results = await pool.encodeAll(jobs, { signal, traceparent: jobs[0]?.traceparent });
    return Promise.all(
      results.map(async (result, i): Promise<EncodeJobResult> => {
        if (!result.ok) return result;
        if (result.embedding !== undefined) await cache.set(jobs[i]?.key ?? '', result.embedding);
        return { ok: true, tokens: result.tokens, timings: result.timings };
      }),
    );
  };
