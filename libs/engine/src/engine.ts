import type { Bundle, Manifest } from '@eidetic/bundle';
import {
  type Decoder,
  type DecoderLoad,
  EideticError,
  type EmbeddingResolver,
  type EngineObserver,
  type GenerateEvent,
  type GenerateRequest,
  type GrammarCompiler,
} from '@eidetic/core';
import { Environment, type Session, type SessionOptions } from '@eidetic/ort';
import { checkRequest, countPositions } from './check-request.ts';
import { decoderSession } from './decoder-session.ts';
import { resolveEmbeddings } from './embeddings.ts';
import { EngineLoop } from './engine-loop.ts';
import { Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';

/** How an engine is set up. */
export interface EngineOptions {
  readonly bundle: Bundle;
  /** Finds the embeddings that requests refer to. */
  readonly resolveEmbedding: EmbeddingResolver;
  /** Sequences that run at the same time; each has KV memory of its own. */
  readonly slots: number;
  /** Most positions of one sequence; at most the model's `maxPositions`. */
  readonly maxContext: number;
  /** Most prompt positions that are computed at a time, at least 4. */
  readonly prefillChunk: number;
  /** Share of the time that prompts may take from running answers, above 0; with 1, answers wait for whole chunks. */
  readonly prefillShare: number;
  /** Requests that may wait for a slot; more are refused with `overloaded`. */
  readonly maxWaiting: number;
  /** Wait after which a request's priority counts as one higher, in milliseconds. */
  readonly agingMs: number;
  /** onnxruntime; default the one of onnxruntime-node. */
  readonly environment?: Environment;
  readonly session?: SessionOptions;
  /** Whether decode steps are captured as CUDA graphs; default not. */
  readonly cudaGraphs?: boolean;
  /** Holds answers to a grammar; absent: requests with one are refused. */
  readonly grammars?: GrammarCompiler;
  /** Told what happens. */
  readonly observer?: EngineObserver;
}

/** Idle slots between two active ones that a decode step runs over rather than be split (measured: docs/decisions/0012-scheduling.md). */
const MAX_GAP = 1;

/** Serves generations over the KV slots of one model: this is the door, the work is done by {@link EngineLoop}. */
export class Engine implements Decoder {
  readonly maxContext: number;
  readonly #options: EngineOptions;
  readonly #session: Session;
  readonly #scheduler: Scheduler;
  readonly #loop: EngineLoop;
  #stopped: Promise<void> | undefined;

  private constructor(options: EngineOptions, session: Session) {
    const { bundle, slots, maxWaiting, agingMs } = options;
    this.#options = options;
    this.#session = session;
    this.maxContext = Math.min(options.maxContext, bundle.manifest.decoder.maxPositions);
    this.#loop = new EngineLoop(
      { ...options, maxContext: this.maxContext, session },
      (copyRows) =>
        new Scheduler({
          slots,
          capacity: this.maxContext,
          maxWaiting,
          agingMs,
          copyRows,
          maxGap: MAX_GAP,
        }),
    );
    this.#scheduler = this.#loop.scheduler;
  }

  /**
   * Loads the decoder graph of the bundle.
   *
   * @throws EideticError `invalid_bundle`; `invalid_config`, also when there is no memory for so many slots of such a context.
   */
  static async create(options: EngineOptions): Promise<Engine> {
    const { bundle, environment = Environment.load(), cudaGraphs = false } = options;
    const { decoder } = bundle.manifest;
    const session = await environment.createSession(
      bundle.path(decoder.graph),
      decoderSession(options.session, decoder.dtype, cudaGraphs),
    );
    try {
      return new Engine(options, session);
    } catch (error) {
      session.release();
      throw error;
    }
  }

  get load(): DecoderLoad {
    const { slots } = this.#options;
    const { running, waiting } = this.#scheduler;
    const needed = running.reduce((sum, { need }) => sum + need, 0);
    return { running: running.length, waiting, slots, kvUsage: needed / (slots * this.maxContext) };
  }

  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    if (signal?.aborted) throw EideticError.from(signal.reason);
    const sequence = await this.#prepare(request);
    const cancel = (): void => sequence.fail(EideticError.from(signal?.reason));
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      if (this.#stopped !== undefined) throw new EideticError('unavailable', 'The engine is stopping.');
      this.#scheduler.add(sequence);
      this.#loop.wake();
      yield* sequence.events();
    } catch (error) {
      // Also when it was refused: whatever it holds is let go, and its end is counted.
      sequence.fail(EideticError.from(error));
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      sequence.fail(new EideticError('cancelled', 'The caller left the generation.'));
      this.#scheduler.remove(sequence);
    }
  }

  /** Refuses new requests, ends the running ones with `unavailable`, and frees the model. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  async #shutDown(): Promise<void> {
    this.#scheduler.failAll(new EideticError('unavailable', 'The engine is stopping.'));
    await this.#loop.stop();
    this.#session.release();
  }

  async #prepare(request: GenerateRequest): Promise<Sequence> {
    const { bundle, grammars, observer, resolveEmbedding } = this.#options;
    const { manifest } = bundle;
    checkRequest(request, this.maxContext, manifest.decoder.vocab);
    const embeddings = await resolveEmbeddings(request.prompt, manifest.decoder.hidden, resolveEmbedding);
    const matcher = request.grammar && (await grammars?.compile(request.grammar, request.stopTokenIds));
    if (request.grammar && !matcher) {
      throw new EideticError('invalid_request', 'This decoder does not hold answers to a grammar.');
    }
    return new Sequence(request, {
      embeddings,
      ropeOffset: ropeOffset(manifest, countPositions(request.prompt)),
      arrivedMs: Date.now(),
      ...(matcher && { matcher }),
      ...(observer && { observer }),
    });
  }
}

/** Dynamic NTK: the rotary table is chosen by the length of the whole prompt and kept for the whole answer. */
function ropeOffset({ decoder }: Manifest, promptTokens: number): number {
  return decoder.ropeTables.find((table) => promptTokens <= table.maxPrompt)?.offset ?? 0;
}
