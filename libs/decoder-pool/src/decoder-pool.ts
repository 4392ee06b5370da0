import {
  type Decoder,
  type DecoderPoolObserver,
  EideticError,
  type EndpointObserver,
  type ErrorCode,
  type GenerateEvent,
  type GenerateRequest,
} from '@eidetic/core';
import type { DecoderModel } from '@eidetic/decoder-rpc';
import {
  type Clock,
  EndpointSet,
  type EndpointSettings,
  type Lease,
  outcomeOf,
  type Resolve,
  SYSTEM_CLOCK,
} from '@eidetic/endpoints';
import type { ChannelTls } from '@eidetic/rpc';
import { AnswerSoFar } from './answer-so-far.ts';
import { choosePod } from './choose-pod.ts';
import type { Hash } from './hash.ts';
import { NO_OBSERVER } from './no-observer.ts';
import { connectPod, type Pod } from './pod.ts';
import { PrefixIndex } from './prefix-index.ts';
import { promptBlocks } from './prompt-blocks.ts';
import { Setbacks } from './setbacks.ts';

/** How a pool is made. */
export interface DecoderPoolOptions {
  /** Finds the decoders. */
  readonly resolve: Resolve;
  /** Longest time without progress that an answer waits for a decoder when none can take it, in milliseconds. */
  readonly patienceMs: number;
  /** Absent: nothing is encrypted. */
  readonly tls?: ChannelTls | undefined;
  /** How closely decoders are watched. */
  readonly endpoints?: Partial<EndpointSettings>;
  readonly observer?: DecoderPoolObserver;
  readonly endpointObserver?: EndpointObserver;
  readonly clock?: Clock;
  /** Random numbers in [0, 1). */
  readonly random?: () => number;
}

/** Beginnings of prompts that are remembered: those of a thousand dialogs of 500 positions, in about 6 MiB. */
const KNOWN_BEGINNINGS = 2 ** 16;

/** Wait before decoders are asked again that failed, in milliseconds; as much again is left to chance. */
const PAUSE_MS = 50;

/** One answer on its way. */
interface Course {
  readonly answer: AnswerSoFar;
  readonly setbacks: Setbacks;
  readonly blocks: readonly Hash[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** When a decoder was lost that had begun to answer; milliseconds since 1970. */
  lostMs: number | undefined;
}

/**
 * Many decoders as one. A request goes where the state of its beginning is; an answer whose decoder dies, hangs or drains goes on at
 * another one, and its reader does not notice: same tokens, same counts, each once.
 */
export class DecoderPool implements Decoder, Disposable {
  readonly #options: DecoderPoolOptions;
  readonly #observer: DecoderPoolObserver;
  readonly #clock: Clock;
  readonly #index = new PrefixIndex(KNOWN_BEGINNINGS);
  readonly #set: EndpointSet<Pod>;
  #model: DecoderModel | undefined;

  private constructor(options: DecoderPoolOptions) {
    const { resolve, endpoints: settings, endpointObserver: observer, clock = SYSTEM_CLOCK, random } = options;
    this.#options = options;
    this.#observer = options.observer ?? NO_OBSERVER;
    this.#clock = clock;
    const connect = connectPod(clock);
    this.#set = new EndpointSet<Pod>({
      resolve,
      connect: async (channel, signal) => this.#enter(await connect(channel, signal)),
      clock,
      tls: options.tls,
      ...(settings && { settings }),
      ...(observer && { observer }),
      ...(random && { random }),
    });
  }

  /**
   * Looks for decoders, and resolves once one is there: its model is the pool's.
   *
   * @throws EideticError `cancelled`, or the reason for which `signal` aborts.
   */
  static async create(options: DecoderPoolOptions, signal: AbortSignal): Promise<DecoderPool> {
    const pool = new DecoderPool(options);
    while (!pool.#model) {
      if (signal.aborted) {
        pool[Symbol.dispose]();
        throw EideticError.from(signal.reason);
      }
      await pool.#set.changed(PAUSE_MS, signal);
    }
    return pool;
  }

  /** What all decoders serve. */
  get model(): DecoderModel {
    if (this.#model) return this.#model;
    throw new EideticError('internal', 'A pool without a decoder has no model.');
  }

  /** The smallest of all decoders that were seen. */
  get maxContext(): number {
    return this.model.maxContext;
  }

  /** Decoders that can take requests now. */
  get size(): number {
    return this.#pods().length;
  }

  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    const course: Course = {
      answer: new AnswerSoFar(request),
      setbacks: new Setbacks(this.#options.patienceMs, this.#clock.now()),
      blocks: promptBlocks(request.prompt),
      deadlineMs: request.deadlineMs ?? Number.POSITIVE_INFINITY,
      signal,
      lostMs: undefined,
    };
    for (;;) {
      const lease = await this.#lease(course);
      try {
        yield* this.#attempt(lease, course);
        return;
      } catch (reason) {
        // Should the caller have left, that is found before another decoder is.
        course.setbacks.note(lease.address, EideticError.from(reason));
      }
      const end = course.answer.end;
      if (!end) continue;
      yield end;
      return;
    }
  }

  /** Ends every answer and connection. */
  [Symbol.dispose](): void {
    this.#set[Symbol.dispose]();
  }

  #enter(pod: Pod): Pod {
    if (this.#model && this.#model.source !== pod.model.source) {
      this.#observer.foreignModel();
      return pod;
    }
    const maxContext = Math.min(pod.model.maxContext, this.#model?.maxContext ?? Number.POSITIVE_INFINITY);
    this.#model = { ...pod.model, maxContext };
    return pod;
  }

  #pods() {
    return this.#set.candidates
      .filter(({ session }) => session.model.source === this.#model?.source)
      .map(({ address, session, inFlight, begin }) => {
        return { address, begin, slots: session.slots, requests: session.requests(inFlight) };
      });
  }

  /** Begins a call to the decoder that is best for it, if need be when there is one. */
  async #lease({ answer, setbacks, blocks, deadlineMs, signal }: Course): Promise<Lease<Pod>> {
    for (;;) {
      if (signal?.aborted) throw EideticError.from(signal.reason);
      const nowMs = this.#clock.now();
      if (nowMs >= deadlineMs) throw new EideticError('deadline_exceeded', 'The deadline passed.');
      const pods = this.#pods().filter(({ address }) => !setbacks.avoids(address));
      const choice = choosePod(pods, this.#index.lookUp(blocks, pods.length));
      if (choice) {
        this.#index.record(blocks, choice.pod.address);
        this.#observer.routed({ reason: choice.reason, continues: answer.tokens > 0 });
        return choice.pod.begin();
      }
      // Who has part of an answer waits for the rest; who has nothing had better come again.
      const busy = answer.tokens === 0 && setbacks.overloaded;
      if (busy || nowMs >= setbacks.untilMs) throw setbacks.reason;
      const pauseMs = PAUSE_MS * (1 + this.#set.random());
      await this.#set.changed(Math.min(pauseMs, setbacks.untilMs - nowMs, deadlineMs - nowMs), signal);
      setbacks.forgive();
    }
  }

  async *#attempt(lease: Lease<Pod>, course: Course): AsyncGenerator<GenerateEvent> {
    const { answer, setbacks, signal } = course;
    const { session, address, lost } = lease;
    let outcome: 'ok' | ErrorCode = 'cancelled';
    const ended = session.begin();
    try {
      const either = signal ? AbortSignal.any([signal, lost]) : lost;
      for await (const event of session.decoder.generate(answer.rest, either)) {
        lease.report('ok');
        const { tokens } = answer;
        if (!answer.take(event)) continue;
        this.#tell(event, tokens, course);
        if (event.kind === 'token') setbacks.progressed(this.#clock.now());
        if (event.kind === 'finished') outcome = 'ok';
        yield event;
        if (event.kind === 'finished') return;
      }
      throw new EideticError('unavailable', `${address} ended the answer before its end.`);
    } catch (reason) {
      const error = EideticError.from(reason);
      outcome = error.code;
      lease.report(signal?.aborted ? 'nothing' : outcomeOf(error.code));
      if (answer.tokens > 0) course.lostMs ??= this.#clock.now();
      throw error;
    } finally {
      ended();
      lease.end();
      this.#observer.attempted({ outcome });
    }
  }

  #tell(event: GenerateEvent, tokens: number, course: Course): void {
    if (event.kind === 'prefilled') this.#observer.prefilled(event);
    if (course.lostMs === undefined) return;
    this.#observer.resumed({ tokens, gapMs: this.#clock.now() - course.lostMs });
    course.lostMs = undefined;
  }
}
