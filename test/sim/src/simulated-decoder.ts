import type { Events } from './events.ts';
import type { ServiceTimes } from './service-times.ts';
import { SlotMemory } from './slot-memory.ts';
import type { Turn } from './turn.ts';

/** How decoders are set up. */
export interface DecoderOptions {
  readonly slots: number;
  /** Most positions of one slot (EIDETIC_MAX_CONTEXT). */
  readonly maxContext: number;
  /** Share of the time that prompts may take from running answers (EIDETIC_PREFILL_PERCENT / 100). */
  readonly prefillShare: number;
}

/** What a decoder tells of an answer. */
export interface AnswerObserver {
  /** The prompt is computed, all but `reused` positions of it, and the first token is there. */
  readonly began: (turn: Turn, reused: number) => void;
  readonly ended: (turn: Turn) => void;
}

/** A pod reports its load so often at most, as libs/decoder-pool asks for it. */
const REPORT_INTERVAL_MS = 50;

interface Sequence {
  readonly turn: Turn;
  readonly slot: number;
  /** Tokens that are to come. */
  remaining: number;
}

/**
 * A decoder: slots, first come, first served; one prompt computed at a time, which shares the time with the decode steps of all answers.
 * Between two changes of what runs everything goes on at a steady rate, so that there is an event for a change and not for a token.
 */
export class SimulatedDecoder {
  readonly address: string;
  readonly slots: number;
  readonly #options: DecoderOptions;
  readonly #times: ServiceTimes;
  readonly #events: Events;
  readonly #observer: AnswerObserver;
  readonly #memory: SlotMemory;
  readonly #waiting: Turn[] = [];
  /** In slots, their prompts not computed; the first one's is being computed. */
  readonly #prompts: Sequence[] = [];
  #running: Sequence[] = [];
  /** Positions of all running answers. */
  #positions = 0;
  /** What is left of the first prompt; undefined before it is begun. */
  #prefillLeftMs: number | undefined;
  #stepMs = 1;
  #since = 0;
  /** Tells events that were planned before the last change. */
  #plan = 0;
  #requests = 0;
  #reported = 0;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #onIdle: (() => void) | undefined;

  constructor(
    address: string,
    options: DecoderOptions,
    parts: { readonly times: ServiceTimes; readonly events: Events; readonly observer: AnswerObserver },
  ) {
    this.address = address;
    this.slots = options.slots;
    this.#options = options;
    this.#times = parts.times;
    this.#events = parts.events;
    this.#observer = parts.observer;
    this.#memory = new SlotMemory(options.slots);
  }

  /** Requests that run or wait. */
  get requests(): number {
    return this.#requests;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running.length + this.#prompts.length;
  }

  /** Share of the KV memory that what is in the slots needs up to its end. */
  get kvUsage(): number {
    const needed = [...this.#running, ...this.#prompts].map(({ turn }) => turn.promptTokens + turn.answerTokens);
    return needed.reduce((sum, positions) => sum + positions, 0) / (this.slots * this.#options.maxContext);
  }

  /** What gateways know of `requests`. */
  get reported(): number {
    this.#flushReport();
    return this.#reported;
  }

  /** Since when they do. */
  get reportedMs(): number {
    this.#flushReport();
    return this.#reportedMs;
  }

  submit(turn: Turn): void {
    this.#advance();
    this.#count(1);
    this.#waiting.push(turn);
    this.#goOn();
  }

  /** Calls `idle` once nothing runs or waits. */
  drain(idle: () => void): void {
    if (this.#requests === 0) idle();
    else this.#onIdle = idle;
  }

  /** Brings all that runs up to now. */
  #advance(): void {
    const elapsedMs = this.#events.nowMs - this.#since;
    this.#since = this.#events.nowMs;
    if (this.#requests === 0) this.#memory.consolidate(elapsedMs, this.#times);
    if (this.#prefillLeftMs !== undefined) this.#prefillLeftMs -= elapsedMs * this.#prefillRate();
    const tokens = (elapsedMs * this.#decodeRate()) / this.#stepMs;
    for (const sequence of this.#running) sequence.remaining -= tokens;
    this.#positions += tokens * this.#running.length;
  }

  #prefillRate(): number {
    return this.#running.length > 0 ? this.#options.prefillShare : 1;
  }

  #decodeRate(): number {
    return this.#prompts.length > 0 ? 1 - this.#options.prefillShare : 1;
  }

  /** Fills free slots, begins the next prompt, and plans the next change. */
  #goOn(): void {
    while (this.#waiting.length > 0 && this.running < this.slots) this.#admit();
    const [next] = this.#prompts;
    if (next && this.#prefillLeftMs === undefined) {
      const { promptTokens } = next.turn;
      const reused = this.#memory.reuse(next.slot, next.turn);
      this.#prefillLeftMs = this.#times.prefillMs(reused, promptTokens);
      next.turn.reused = reused;
    }
    this.#stepMs = this.#times.stepMs(this.#running.length, this.#positions);
    const remaining = this.#running.reduce((least, sequence) => Math.min(least, sequence.remaining), Infinity);
    const changeMs = Math.min(
      (this.#prefillLeftMs ?? Infinity) / this.#prefillRate(),
      (remaining * this.#stepMs) / this.#decodeRate(),
    );
    const plan = ++this.#plan;
    if (changeMs < Infinity) this.#events.in(Math.max(0, changeMs), () => plan === this.#plan && this.#change());
  }

  #admit(): void {
    const turn = this.#waiting.shift();
    if (turn) this.#prompts.push({ turn, slot: this.#memory.place(turn), remaining: turn.answerTokens - 1 });
  }

  #change(): void {
    this.#advance();
    const ended = this.#running.filter(({ remaining }) => remaining < 1e-6);
    if (ended.length > 0) this.#running = this.#running.filter(({ remaining }) => remaining >= 1e-6);
    if (this.#prefillLeftMs !== undefined && this.#prefillLeftMs < 1e-6) {
      const done = this.#prompts.shift();
      this.#prefillLeftMs = undefined;
      if (done) this.#begin(done, ended);
    }
    for (const sequence of ended) this.#end(sequence);
    this.#goOn();
    if (this.#requests === 0) this.#onIdle?.();
  }

  #begin(sequence: Sequence, ended: Sequence[]): void {
    this.#memory.computed(sequence.slot);
    this.#positions += sequence.turn.promptTokens + 1;
    this.#observer.began(sequence.turn, sequence.turn.reused);
    (sequence.remaining > 0 ? this.#running : ended).push(sequence);
  }

  #end({ turn, slot }: Sequence): void {
    this.#memory.release(slot);
    this.#positions = this.#running.length === 0 ? 0 : this.#positions - turn.promptTokens - turn.answerTokens;
    this.#count(-1);
    this.#observer.ended(turn);
  }

  #count(change: number): void {
    this.#flushReport();
    this.#requests += change;
    this.#flushReport();
  }

  /** A change is reported at once, or as soon as the last report is old enough. */
  #flushReport(): void {
    const dueMs = this.#reportedMs + REPORT_INTERVAL_MS;
    if (this.#reported === this.#requests || this.#events.nowMs < dueMs) return;
    this.#reported = this.#requests;
    this.#reportedMs = this.#events.nowMs;
  }
}
