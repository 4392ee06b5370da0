import type { ChatEvent, ChatRequest, ChatService, ModelFacts } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';

/** Whether chats are answered, and if not, why. */
export type GateState =
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'ready'; readonly service: ChatService }
  | { readonly kind: 'draining' };

/**
 * The chat service as clients see it from the first moment to the last: while the model is loading, and once draining has
 * begun, requests are refused with `unavailable`; those that run when draining begins may end. What is more than it may hold
 * is refused with `overloaded` before anything is done for it: pictures wait here too, not only prompts.
 */
export class ChatGate implements ChatService {
  readonly model: string;
  readonly #maxRequests: number;
  #state: GateState = { kind: 'starting', detail: 'loading the model' };
  readonly #running = new Set<AbortController>();
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
    return this.#state.kind === 'ready' ? this.#state.service.facts : undefined;
  }

  /** Says how far the start has come. */
  describeStart(detail: string): void {
    if (this.#state.kind === 'starting') this.#state = { kind: 'starting', detail };
  }

  /** From now on `service` answers, unless draining has begun. */
  open(service: ChatService): void {
    if (this.#state.kind === 'starting') this.#state = { kind: 'ready', service };
  }

  async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const service = this.#admit();
    const life = new AbortController();
    const both = signal === undefined ? life.signal : AbortSignal.any([life.signal, signal]);
    this.#running.add(life);
    try {
      yield* service.chat(request, both);
    } catch (error) {
      throw EideticError.from(both.aborted ? both.reason : error);
    } finally {
      this.#running.delete(life);
      this.#endDrain();
    }
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

  #admit(): ChatService {
    switch (this.#state.kind) {
      case 'ready':
        if (this.#running.size < this.#maxRequests) return this.#state.service;
        throw new EideticError('overloaded', `${this.#running.size} requests are here already; try again in a moment.`);
      case 'starting':
        throw new EideticError('unavailable', `The server is starting (${this.#state.detail}); try again in a moment.`);
      case 'draining':
        throw new EideticError('unavailable', 'The server is shutting down.');
    }
  }
}
