import type {
  EngineObserver,
  GenerateEvent,
  GenerateRequest,
  GrammarMatcher,
  ImageEmbedding,
  RequestStage,
  TokenMask,
} from '@eidetic/core';
import { EideticError } from '@eidetic/core';
import { maskWithout } from './adjusted-logits.ts';
import { type PositionKey, positionKeys } from './prefix.ts';
import { TokenCounts } from './token-counts.ts';

/** What a prompt position is made of: a token id, or a row of a picture. */
export type PromptPosition = number | Float32Array;

/** What a sequence is made of besides its request. */
export interface SequenceParts {
  /** Of the pictures in the prompt, by key. */
  readonly embeddings: ReadonlyMap<string, ImageEmbedding>;
  /** First row of the rotary tables that it uses. */
  readonly ropeOffset: number;
  readonly matcher?: GrammarMatcher;
  readonly observer?: EngineObserver;
  /** Milliseconds on the clock that deadlines are on. */
  readonly arrivedMs: number;
}

/** One generation inside the engine: its prompt, what it has generated, and the events on their way to the caller. */
export class Sequence {
  readonly request: GenerateRequest;
  readonly prompt: readonly PromptPosition[];
  /** What makes the KV state of each prompt position. */
  readonly keys: readonly PositionKey[];
  readonly ropeOffset: number;
  readonly priority: number;
  readonly tenant: string;
  readonly arrivedMs: number;
  /** Ids generated so far. */
  readonly generated: number[] = [];
  /** How often which ids are in prompt and answer. */
  readonly counts: TokenCounts;
  /** Prompt positions whose KV state is in the cache. */
  prefilled = 0;
  /** Of them, those that were reused. */
  cached = 0;
  /** Row of the KV cache, while it runs. */
  slot: number | undefined;
  /** How many sequences got a slot before it. */
  admission = 0;
  /** Tokens that may come next, when a grammar says. */
  allowed: Promise<TokenMask> | undefined;
  readonly #matcher: GrammarMatcher | undefined;
  readonly #observer: EngineObserver | undefined;
  readonly #bornMs = performance.now();
  #admittedMs = 0;
  #lastTokenMs = 0;
  #sitsOut = false;
  #withoutStops: TokenMask | undefined;
  /** At most `maxTokens + 2` long: the engine never waits for a slow reader. */
  readonly #events: GenerateEvent[] = [];
  #failure: EideticError | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(request: GenerateRequest, parts: SequenceParts) {
    this.request = request;
    this.prompt = positionsOf(request, parts.embeddings);
    this.keys = positionKeys(request.prompt);
    this.ropeOffset = parts.ropeOffset;
    this.priority = request.priority ?? 0;
    this.tenant = request.tenant ?? '';
    this.arrivedMs = parts.arrivedMs;
    this.counts = new TokenCounts(this.prompt.filter((position) => typeof position === 'number'));
    this.#matcher = parts.matcher;
    this.#observer = parts.observer;
    if (parts.matcher) this.allowed = Promise.resolve(parts.matcher.first);
  }

  /** Whether the caller has left or the last event has been sent. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the prompt is computed, and the next decode step continues it. */
  get decoding(): boolean {
    return !this.#ended && this.generated.length > 0 && !this.#sitsOut;
  }

  /** Whether it sits steps out, see {@link sitOut}. */
  get sitsOut(): boolean {
    return !this.#ended && this.#sitsOut;
  }

  /** Leaves it out of steps until its grammar has said what may come next: the others do not wait for that. */
  sitOut(): void {
    this.#sitsOut = true;
    const goOn = (): void => {
      this.#sitsOut = false;
    };
    this.allowed?.then(goOn, goOn);
  }

  /** Positions that it may come to take, prompt and longest answer: known from the start, so that it never has to give way. */
  get need(): number {
    return this.prompt.length + this.request.maxTokens;
  }

  /** Says that it got a slot. */
  admitted(slot: number, admission: number): void {
    this.slot = slot;
    this.admission = admission;
    const { traceparent } = this.request;
    this.#admittedMs = performance.now();
    this.#observer?.admitted({ queuedMs: this.#admittedMs - this.#bornMs, traceparent });
  }

  /** Hands the caller the count of what was prefilled: the prompt is computed, and with it the scores of the first token. */
  promptDone(): void {
    const { prompt, cached, request } = this;
    this.#lastTokenMs = performance.now();
    const { traceparent } = request;
    this.#observer?.firstToken({
      computed: prompt.length - cached,
      cached,
      sinceArrivalMs: this.#lastTokenMs - this.#bornMs,
      sinceAdmittedMs: this.#lastTokenMs - this.#admittedMs,
      traceparent,
    });
    this.#emit({ kind: 'prefilled', promptTokens: prompt.length, cachedTokens: cached });
  }

  /** The next of the tokens that the answer begins with, if they are not all there. */
  get replayed(): number | undefined {
    return this.request.answered?.[this.generated.length];
  }

  /** Mask over `vocab` tokens of those that may come next while the answer is too short to end: all but stop tokens; undefined: it may end. */
  maskWhileTooShort(vocab: number): TokenMask | undefined {
    const { minTokens = 0, stopTokenIds } = this.request;
    if (this.generated.length >= minTokens) return undefined;
    this.#withoutStops ??= maskWithout(stopTokenIds, vocab);
    return this.#withoutStops;
  }

  /** Hands a new token to the caller, unless it was replayed, and asks the grammar what may follow it. */
  push(token: Extract<GenerateEvent, { kind: 'token' }>): void {
    if (this.#ended) return;
    if (this.generated.length > 0) {
      const nowMs = performance.now();
      this.#observer?.token({ sinceLastMs: nowMs - this.#lastTokenMs });
      this.#lastTokenMs = nowMs;
    }
    this.generated.push(token.id);
    this.counts.add(token.id);
    if (this.generated.length > (this.request.answered?.length ?? 0)) this.#emit(token);
    if (this.generated.length >= this.request.maxTokens) {
      this.finish('length');
      return;
    }
    this.allowed = this.#matcher?.accept(token.id);
    // It may end before anybody waits for this.
    this.allowed?.catch(() => undefined);
  }

  /** Ends the sequence with `finished`. */
  finish(reason: 'stop' | 'length'): void {
    this.#emit({ kind: 'finished', reason, completionTokens: this.generated.length });
    this.#end(reason);
  }

  /** Ends the sequence with an error, which the caller sees after the events before it. */
  fail(error: EideticError): void {
    if (this.#ended) return;
    this.#failure = error;
    this.#end(error.code);
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

  #emit(event: GenerateEvent): void {
    if (this.#ended) return;
    this.#events.push(event);
    this.#wake?.();
  }

  #end(outcome: Parameters<EngineObserver['ended']>[0]['outcome']): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#matcher?.release();
    this.#observer?.ended({ outcome, stage: this.#stage(), completionTokens: this.generated.length });
    this.#wake?.();
  }

  #stage(): RequestStage {
    if (this.slot === undefined) return 'waiting';
    return this.prefilled < this.prompt.length ? 'prefill' : 'decode';
  }
}

function positionsOf(
  request: GenerateRequest,
  embeddings: ReadonlyMap<string, ImageEmbedding>,
): readonly PromptPosition[] {
  return request.prompt.flatMap((segment): readonly PromptPosition[] => {
    if (segment.kind === 'tokens') return segment.ids;
    const embedding = embeddings.get(segment.key);
    if (!embedding) throw new EideticError('internal', `The embedding ${segment.key} was not resolved.`);
    const { data, tokens, hidden } = embedding;
    return Array.from({ length: tokens }, (_, i) => data.subarray(i * hidden, (i + 1) * hidden));
  });
}
