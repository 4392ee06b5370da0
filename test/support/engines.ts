import type { Bundle } from '@eidetic/bundle';
import {
  type EngineObserver,
  type GenerateEvent,
  type GenerateRequest,
  GREEDY,
  type ImageEmbedding,
  type SamplingOptions,
} from '@eidetic/core';
import { Engine, type EngineOptions } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { testBundle } from './bundles.ts';
import { goldens } from './goldens.ts';

/** Engines on the embedded checkpoint in its default precision; all stopped by `stopAll`. */
export class Engines {
  readonly bundle: Bundle;
  readonly #started: Engine[] = [];

  private constructor(bundle: Bundle) {
    this.bundle = bundle;
  }

  static async open(): Promise<Engines> {
    return new Engines(await testBundle(DEFAULT_PRECISIONS));
  }

  async start(options: Partial<EngineOptions> = {}): Promise<Engine> {
    const engine = await Engine.create({
      bundle: this.bundle,
      resolveEmbedding: async () => undefined,
      slots: 4,
      maxContext: 512,
      prefillChunk: 128,
      prefillShare: 0.5,
      maxWaiting: 8,
      agingMs: 10_000,
      ...options,
    });
    this.#started.push(engine);
    return engine;
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((engine) => engine.stop()));
  }
}

/** A text prompt of the goldens, cut or repeated to a length. */
export function promptOf(length: number, from = 28): number[] {
  const ids = goldens.cases[from]?.prompt_ids ?? [];
  return Array.from({ length }, (_, i) => ids[i % ids.length] ?? 0);
}

export function request(ids: readonly number[], options: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: 'test',
    prompt: [{ kind: 'tokens', ids }],
    sampling: GREEDY,
    maxTokens: 24,
    stopTokenIds: [],
    ...options,
  };
}

export async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export const idsOf = (events: readonly GenerateEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'token' ? [event.id] : []));

export const generate = async (engine: Engine, wanted: GenerateRequest): Promise<number[]> =>
  idsOf(await collect(engine.generate(wanted)));

/** The tokens, and how many positions of the prompt were reused. */
export async function generateCounted(engine: Engine, wanted: GenerateRequest) {
  const events = await collect(engine.generate(wanted));
  return { ids: idsOf(events), cached: events[0]?.kind === 'prefilled' ? events[0].cachedTokens : undefined };
}

/** Sampling under which every difference between two runs shows soon. */
export const sampled: SamplingOptions = {
  ...GREEDY,
  temperature: 1.5,
  topP: 0.95,
  repetitionPenalty: 1.1,
  seed: 11,
};

/** A picture of `tokens` rows that are all `fill`. */
export function embeddingOf({ manifest }: Bundle, fill: number, tokens = 64): ImageEmbedding {
  const { hidden } = manifest.decoder;
  return { data: new Float32Array(tokens * hidden).fill(fill), tokens, hidden, imageWidth: 1, imageHeight: 1 };
}

/** Notes what an engine tells; `until` resolves as soon as what was noted satisfies a condition. */
export class Notes implements EngineObserver {
  readonly admissions: Parameters<EngineObserver['admitted']>[0][] = [];
  readonly prefills: Parameters<EngineObserver['prefillStep']>[0][] = [];
  readonly decodes: Parameters<EngineObserver['decodeStep']>[0][] = [];
  readonly firstTokens: Parameters<EngineObserver['firstToken']>[0][] = [];
  readonly tokens: Parameters<EngineObserver['token']>[0][] = [];
  readonly consolidations: Parameters<EngineObserver['consolidated']>[0][] = [];
  readonly ends: Parameters<EngineObserver['ended']>[0][] = [];
  readonly #waiting = new Set<() => void>();

  admitted = this.#note(this.admissions);
  prefillStep = this.#note(this.prefills);
  decodeStep = this.#note(this.decodes);
  firstToken = this.#note(this.firstTokens);
  token = this.#note(this.tokens);
  consolidated = this.#note(this.consolidations);
  ended = this.#note(this.ends);

  /** Positions of answers that were computed again. */
  get consolidatedTokens(): number {
    return this.consolidations.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** Positions of prompts that were computed. */
  get prefilledTokens(): number {
    return this.prefills.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  until(condition: (notes: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #note<T>(list: T[]): (entry: T) => void {
    return (entry) => {
      list.push(entry);
      for (const look of [...this.#waiting]) look();
    };
  }
}
