import type { ChatEvent, ChatRequest, ChatService, ImageService, ModelFacts, ResolvedEmbedding } from '@eidetic/chat';
import { EideticError, MeanStay } from '@eidetic/core';

/** What answers once it is loaded. */
export interface Served {
  readonly chat: ChatService;
  readonly images: ImageService;
}

/** Whether requests are answered, and if not, why. */
export type GateState =
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'ready'; readonly served: Served }
  | { readonly kind: 'draining' };

/**
 * Chats and pictures as clients see them from the first moment to the last: while the model is loading, and once draining has
 * begun, requests are refused with `unavailable`; those that run when draining begins may end. What is more than it may hold
 * is refused with `overloaded` before anything is done for it: pictures wait here too, not only prompts.
 */
export class ChatGate implements ChatService, ImageService {
  readonly model: string;
  readonly #maxRequests: number;
  #state: GateState = { kind: 'starting', detail: 'loading the model' };
  readonly #running = new Set<AbortController>();
  readonly #stay = new MeanStay();
  readonly #drained = Promise.withResolvers<void>();

  /** At most `maxRequests` are answered or wait. */
  constructor(model: string, maxRequests: number) {
    this.model = model;
    this.#maxRequests = maxRequests;
  }

  get state(): GateState {
    return this.#state;
  }

  get facts(): ModelFacts | undefined {
    return this.#state.kind === 'ready' ? this.#state.served.chat.facts : undefined;
  }

  /** Says how far the start has come. */
  describeStart(detail: string): void {
    if (this.#state.kind === 'starting') this.#state = { kind: 'starting', detail };
  }

  /** From now on `served` answers, unless draining has begun. */
  open(served: Served): void {
    if (this.#state.kind === 'starting') this.#state = { kind: 'ready', served };
  }

  async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    using visit = this.#enter(signal);
    try {
      yield* visit.served.chat.chat(request, visit.signal);
    } catch (error) {
      throw visit.reasonFor(error);
    }
  }

  upload(...[bytes, options, signal]: Parameters<ImageService['upload']>): Promise<ResolvedEmbedding> {
    return this.#during(signal, ({ images }, life) => images.upload(bytes, options, life));
  }

  encode(...[source, options, signal]: Parameters<ImageService['encode']>): Promise<ResolvedEmbedding> {
    return this.#during(signal, ({ images }, life) => images.encode(source, options, life));
  }

  /** Refuses new requests; resolves when the running ones have ended. After `limitMs` they are told to, and not waited for. */
  async drain(limitMs: number): Promise<void> {
    this.#state = { kind: 'draining' };
    const limit = setTimeout(() => {
      const reason = new EideticError('unavailable', 'The server shut down before the answer was done; ask again.');
      for (const life of this.#running) life.abort(reason);
      // An answer whose reader has stalled does not notice.
      this.#drained.resolve();
    }, limitMs);
    this.#endDrain();
    await this.#drained.promise;
    clearTimeout(limit);
  }

  #endDrain(): void {
    if (this.#state.kind === 'draining' && this.#running.size === 0) this.#drained.resolve();
  }

  async #during<T>(
    signal: AbortSignal | undefined,
    work: (served: Served, life: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using visit = this.#enter(signal);
    try {
      return await work(visit.served, visit.signal);
    } catch (error) {
      throw visit.reasonFor(error);
    }
  }

  /** Counts a request until it is disposed of. */
  #enter(caller: AbortSignal | undefined) {
    const served = this.#admit();
    const life = new AbortController();
    const signal = caller === undefined ? life.signal : AbortSignal.any([life.signal, caller]);
    this.#running.add(life);
    const fromMs = performance.now();
    return {
      served,
      /** Aborts when the caller leaves, or the drain limit passes. */
      signal,
      reasonFor: (error: unknown) => EideticError.from(signal.aborted ? signal.reason : error),
      [Symbol.dispose]: () => {
        this.#running.delete(life);
        this.#stay.ended(performance.now() - fromMs);
        this.#endDrain();
      },
    };
  }

  #admit(): Served {
    switch (this.#state.kind) {
      case 'ready':
        if (this.#running.size < this.#maxRequests) return this.#state.served;
        throw new EideticError(
          'overloaded',
          `${this.#running.size} requests are here already; try again in a moment.`,
          {
            details: this.#stay.hint(this.#maxRequests),
          },
        );
      case 'starting':
        throw new EideticError('unavailable', `The server is starting (${this.#state.detail}); try again in a moment.`);
      case 'draining':
        throw new EideticError('unavailable', 'The server is shutting down.');
    }
  }
}
