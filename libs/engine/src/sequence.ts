import type { GenerateEvent, GenerateRequest, ImageEmbedding } from '@eidetic/core';
import { EideticError } from '@eidetic/core';
import { type PositionKey, positionKeys } from './resident-prefix.ts';

/** What a prompt position is made of: a token id, or a row of a picture. */
export type PromptPosition = number | Float32Array;

/** One generation inside the engine: its prompt, what it has generated, and the events on their way to the caller. */
export class Sequence {
  readonly request: GenerateRequest;
  readonly prompt: readonly PromptPosition[];
  /** What makes the KV state of each prompt position. */
  readonly keys: readonly PositionKey[];
  readonly ropeOffset: number;
  /** Ids generated so far. */
  readonly generated: number[] = [];
  /** Prompt positions whose KV state is in the cache. */
  prefilled = 0;
  /** Of them, those that were there before. */
  cached = 0;
  /** Row of the KV cache, while it runs. */
  slot: number | undefined;
  /** How many sequences got a slot before it. */
  admission = 0;
  /** At most `maxTokens + 2` long: the engine never waits for a slow reader. */
  readonly #events: GenerateEvent[] = [];
  #failure: EideticError | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(request: GenerateRequest, embeddings: ReadonlyMap<string, ImageEmbedding>, ropeOffset: number) {
    this.request = request;
    this.prompt = positionsOf(request, embeddings);
    this.keys = positionKeys(request.prompt);
    this.ropeOffset = ropeOffset;
  }

  /** Whether the caller has left or the last event has been sent. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Hands an event to the caller; `finished` ends the sequence. */
  emit(event: GenerateEvent): void {
    if (this.#ended) return;
    this.#events.push(event);
    if (event.kind === 'finished') this.#ended = true;
    this.#wake?.();
  }

  /** Ends the sequence with an error, which the caller sees after the events before it. */
  fail(error: EideticError): void {
    if (this.#ended) return;
    this.#failure = error;
    this.#ended = true;
    this.#wake?.();
  }

  /** The events in order, until `finished` or an error. */
  async *events(): AsyncGenerator<GenerateEvent> {
    for (;;) {
      for (let event = this.#events.shift(); event; event = this.#events.shift()) yield event;
      if (this.#failure) throw this.#failure;
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

function positionsOf(
  request: GenerateRequest,
  embeddings: ReadonlyMap<string, ImageEmbedding>,
): readonly PromptPosition[] {
  return request.prompt.flatMap((segment): readonly PromptPosition[] => {
    if (segment.kind === 'tokens') return segment.ids;
    const embedding = embeddings.get(segment.key);
    if (!embedding) throw new EideticError('unavailable', `The embedding ${segment.key} is not at hand.`);
    const { data, tokens, hidden } = embedding;
    return Array.from({ length: tokens }, (_, i) => data.subarray(i * hidden, (i + 1) * hidden));
  });
}
