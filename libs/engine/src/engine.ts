import type { Bundle, Manifest } from '@eidetic/bundle';
import {
  type Decoder,
  EideticError,
  type EmbeddingResolver,
  type GenerateEvent,
  type GenerateRequest,
  type ImageEmbedding,
} from '@eidetic/core';
import { Environment, type Session, type SessionOptions } from '@eidetic/ort';
import { EmbeddingTable } from './embedding-table.ts';
import { type DecodeRow, ModelRunner } from './model-runner.ts';
import { sample } from './sampler.ts';
import { Sequence } from './sequence.ts';
import { SlotTable } from './slot-table.ts';

/** How an engine is set up. */
export interface EngineOptions {
  readonly bundle: Bundle;
  /** Finds the embeddings that requests refer to. */
  readonly resolveEmbedding: EmbeddingResolver;
  /** Sequences that run at the same time; each has KV memory of its own. */
  readonly slots: number;
  /** Most positions of one sequence; at most the model's `maxPositions`. */
  readonly maxContext: number;
  /** Most prompt positions between two decode steps, at least 4: bounds how long running answers wait for a new prompt. */
  readonly prefillChunk: number;
  /** Requests that may wait for a slot; more are refused with `overloaded`. */
  readonly maxWaiting: number;
  readonly session?: SessionOptions;
}

/**
 * Serves generations over the KV slots of one model. A loop admits waiting sequences to free slots, runs one chunk of a new
 * prompt, then one decode step of every running answer, until nothing is left to do. A slot keeps what its last prompt left: a
 * prompt that begins alike goes on from there, and gets bit for bit what it would have got without.
 */
export class Engine implements Decoder {
  readonly maxContext: number;
  readonly #options: EngineOptions;
  readonly #session: Session;
  readonly #runner: ModelRunner;
  readonly #table: EmbeddingTable;
  readonly #waiting: Sequence[] = [];
  readonly #slots: SlotTable;
  /** Number of sequences that have got a slot so far. */
  #loop: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(options: EngineOptions, session: Session) {
    this.#options = options;
    this.#session = session;
    this.maxContext = Math.min(options.maxContext, options.bundle.manifest.decoder.maxPositions);
    this.#runner = new ModelRunner(session, options.bundle, options.slots, this.maxContext);
    this.#table = new EmbeddingTable(options.bundle);
    this.#slots = new SlotTable(options.slots, this.maxContext);
  }

  /**
   * Loads the decoder graph of the bundle.
   *
   * @throws EideticError `invalid_bundle`; `invalid_config`, also when there is no memory for so many slots of such a context.
   */
  static async create(options: EngineOptions): Promise<Engine> {
    const { decoder } = options.bundle.manifest;
    if (decoder.dtype !== 'float32') {
      const message = `The decoder computes in ${decoder.dtype}, and only float32 can be run. Convert with float32 activations.`;
      throw new EideticError('invalid_bundle', message);
    }
    const session = await Environment.load().createSession(options.bundle.path(decoder.graph), options.session);
    try {
      return new Engine(options, session);
    } catch (error) {
      session.release();
      throw error;
    }
  }

  /** Sequences that hold a slot, and that wait for one. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#slots.occupants.filter(Boolean).length, waiting: this.#waiting.length };
  }

  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    if (signal?.aborted) throw EideticError.from(signal.reason);
    const sequence = await this.#prepare(request);
    const cancel = (): void => sequence.fail(EideticError.from(signal?.reason));
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      this.#enqueue(sequence);
      yield* sequence.events();
    } finally {
      signal?.removeEventListener('abort', cancel);
      const place = this.#waiting.indexOf(sequence);
      if (place >= 0) this.#waiting.splice(place, 1);
      if (!sequence.ended) sequence.fail(new EideticError('cancelled', 'The caller left the generation.'));
    }
  }

  /** Refuses new requests, ends the running ones with `unavailable`, and frees the model. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  async #shutDown(): Promise<void> {
    const error = new EideticError('unavailable', 'The engine is stopping.');
    for (const sequence of [...this.#waiting, ...this.#slots.occupants]) sequence?.fail(error);
    await this.#loop;
    this.#runner.release();
    this.#session.release();
    this.#table.close();
  }

  async #prepare(request: GenerateRequest): Promise<Sequence> {
    const promptTokens = request.prompt.reduce(
      (n, part) => n + (part.kind === 'tokens' ? part.ids.length : part.tokens),
      0,
    );
    checkLength(promptTokens, request.maxTokens, this.maxContext);
    return new Sequence(request, await this.#resolve(request), ropeOffset(this.#options.bundle.manifest, promptTokens));
  }

  async #resolve(request: GenerateRequest): Promise<ReadonlyMap<string, ImageEmbedding>> {
    const { hidden } = this.#options.bundle.manifest.decoder;
    const found = new Map<string, ImageEmbedding>();
    const missing: string[] = [];
    for (const segment of request.prompt) {
      if (segment.kind === 'tokens' || found.has(segment.key)) continue;
      const embedding = segment.embedding ?? (await this.#options.resolveEmbedding(segment.key));
      if (!embedding) {
        missing.push(segment.key);
        continue;
      }
      checkShape(segment.key, embedding, segment.tokens, hidden);
      // What came along was checked by its encoder; looking again takes 13 ms for a picture of a million numbers.
      if (!segment.embedding) checkFinite(segment.key, embedding);
      found.set(segment.key, embedding);
    }
    if (missing.length === 0) return found;
    throw new EideticError(
      'unavailable',
      `Image embeddings are missing: ${missing.join(', ')}. Encode the images again.`,
    );
  }

  #enqueue(sequence: Sequence): void {
    if (this.#stopped !== undefined) throw new EideticError('unavailable', 'The engine is stopping.');
    const { slots, maxWaiting } = this.#options;
    const present = [...this.#slots.occupants, ...this.#waiting].filter((other) => other && !other.ended).length;
    if (present >= slots + maxWaiting) {
      throw new EideticError('overloaded', `${present - slots} requests are waiting already. Try again later.`);
    }
    this.#waiting.push(sequence);
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    // The callers of this event loop turn are admitted together.
    await Promise.resolve();
    for (;;) {
      this.#slots.admit(this.#waiting);
      const running = this.#slots.occupants.filter((sequence) => sequence !== undefined);
      if (running.length === 0) break;
      const prefilling = firstToPrefill(running);
      if (prefilling) await this.#prefill(prefilling);
      if (running.some((sequence) => sequence.generated.length > 0 && !sequence.ended)) await this.#decode();
    }
    // Here and not when the promise settles: who comes in between would wait for a loop that has ended.
    this.#loop = undefined;
  }

  async #prefill(sequence: Sequence): Promise<void> {
    const { hidden } = this.#options.bundle.manifest.decoder;
    const { slot = 0, prefilled, prompt, ropeOffset, request } = sequence;
    const rows = chunkRows(prompt.length - prefilled, this.#options.prefillChunk);
    const embeddings = new Float32Array(rows * hidden);
    try {
      for (let i = 0; i < rows; i++) {
        const position = prompt[prefilled + i];
        const target = embeddings.subarray(i * hidden, (i + 1) * hidden);
        if (typeof position === 'number') this.#table.read(position, target);
        else if (position) target.set(position);
      }
      const inverseTemperature = inverse(request.sampling.temperature);
      const scores = await this.#runner.prefill({ slot, start: prefilled, ropeOffset, inverseTemperature, embeddings });
      sequence.prefilled += rows;
      if (sequence.prefilled < prompt.length) return;
      sequence.emit({ kind: 'prefilled', promptTokens: prompt.length, cachedTokens: sequence.cached });
      this.#advance(sequence, scores);
    } catch (error) {
      sequence.fail(EideticError.from(error));
    }
  }

  async #decode(): Promise<void> {
    const rows = this.#slots.occupants.map((sequence, slot) => this.#decodeRow(sequence, slot));
    const active = rows.flatMap((row, slot) => (typeof row === 'object' ? slot : []));
    const first = active[0] ?? 0;
    try {
      const scores = await this.#runner.decode(first, rows.slice(first, (active.at(-1) ?? 0) + 1));
      for (const slot of active) {
        const sequence = this.#slots.occupants[slot];
        if (sequence && !sequence.ended) this.#advance(sequence, scores(slot));
      }
    } catch (error) {
      for (const slot of active) this.#slots.occupants[slot]?.fail(EideticError.from(error));
    }
  }

  /** The sequence's next token; a number for a slot that sits the step out: how many of its positions are to be kept. */
  #decodeRow(sequence: Sequence | undefined, slot: number): DecodeRow | number {
    if (!sequence) return this.#slots.resident(slot);
    const token = sequence.generated.at(-1);
    if (token === undefined || sequence.ended) return Math.min(sequence.prefilled, this.maxContext - 1);
    return {
      position: sequence.prompt.length + sequence.generated.length - 1,
      ropeOffset: sequence.ropeOffset,
      inverseTemperature: inverse(sequence.request.sampling.temperature),
      embed: (target) => this.#table.read(token, target),
    };
  }

  /** Chooses the next token and says so, or ends the sequence. */
  #advance(sequence: Sequence, scores: Parameters<typeof sample>[0]): void {
    const { request, prompt, generated } = sequence;
    const seen = (): number[] => [...prompt.filter((position) => typeof position === 'number'), ...generated];
    const id = sample(scores, request.sampling, seen, prompt.length + generated.length);
    if (request.stopTokenIds.includes(id)) {
      sequence.emit({ kind: 'finished', reason: 'stop', completionTokens: generated.length });
      return;
    }
    generated.push(id);
    sequence.emit({ kind: 'token', id });
    if (generated.length < request.maxTokens) return;
    sequence.emit({ kind: 'finished', reason: 'length', completionTokens: generated.length });
  }
}

/** Of the sequences whose prompts are not computed yet, the one that has waited longest. */
function firstToPrefill(running: readonly Sequence[]): Sequence | undefined {
  const prefilling = running.filter((sequence) => sequence.prefilled < sequence.prompt.length);
  return prefilling.sort((a, b) => a.admission - b.admission)[0];
}

/** Greedy decoding ignores the normaliser. */
const inverse = (temperature: number): number => (temperature === 0 ? 1 : 1 / temperature);

function checkLength(promptTokens: number, maxTokens: number, maxContext: number): void {
  if (promptTokens === 0 || maxTokens < 1) {
    throw new EideticError('invalid_request', 'A generation needs a prompt and room for at least one token.');
  }
  if (promptTokens + maxTokens <= maxContext) return;
  const message = `The prompt has ${promptTokens} tokens and ${maxTokens} may be generated, but the context holds ${maxContext}: ${promptTokens + maxTokens - maxContext} too many.`;
  throw new EideticError('context_length_exceeded', message, { details: { promptTokens, maxTokens, maxContext } });
}

function checkShape(key: string, embedding: ImageEmbedding, tokens: number, hidden: number): void {
  const { data } = embedding;
  if (embedding.tokens !== tokens || embedding.hidden !== hidden || data.length !== tokens * hidden) {
    const found = `${embedding.tokens} x ${embedding.hidden} (${data.length} numbers)`;
    throw new EideticError('unavailable', `The embedding ${key} is ${found}, not ${tokens} x ${hidden}.`);
  }
}

function checkFinite(key: string, { data }: ImageEmbedding): void {
  if (data.some((x) => !Number.isFinite(x))) {
    throw new EideticError('unavailable', `The embedding ${key} holds numbers that are not finite.`);
  }
}

/**
 * Positions of the next prefill chunk. Never leaves a single one for the last: GroupQueryAttention computes one new position
 * by another kernel than several, and a prompt's logits must not depend on where it was cut.
 */
function chunkRows(remaining: number, chunk: number): number {
  const rows = Math.min(chunk, remaining);
  return remaining - rows === 1 ? rows - 1 : rows;
}

/** Dynamic NTK: the rotary table is chosen by the length of the whole prompt and kept for the whole answer. */
function ropeOffset({ decoder }: Manifest, promptTokens: number): number {
  return decoder.ropeTables.find((table) => promptTokens <= table.maxPrompt)?.offset ?? 0;
}
