import type { ImageEmbedding } from '@eidetic/core';

/**
 * Every contender runs in a process of its own, so that neither memory nor thread pools interfere. The parent asks, the
 * child answers; one question at a time.
 */

/** Prompts to continue greedily, all at once, each to exactly `tokens` tokens: stop tokens are not special. */
export interface GenerateJob {
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: number;
}

/** What came back, by prompt. */
export interface Generation {
  readonly ids: readonly (readonly number[])[];
  /** When each token arrived, in milliseconds since the job began. */
  readonly arrivedMs: readonly (readonly number[])[];
}

/** A decoder that takes token ids. */
export interface TextPeer {
  generate(job: GenerateJob): Promise<Generation>;
}

/** Streams that run, and a prompt that comes in between. */
export interface InterferenceJob {
  /** Prompts of the running streams; they go on until the end. */
  readonly streams: readonly (readonly number[])[];
  /** The prompt that comes once each stream has brought `settleTokens` and then `quietTokens` tokens. */
  readonly prompt: readonly number[];
  readonly settleTokens: number;
  readonly quietTokens: number;
}

/** Times between two tokens of one stream, over all streams, in milliseconds. */
export interface Interference {
  /** Before the prompt came. */
  readonly quietMs: readonly number[];
  /** From its arrival to its first token. */
  readonly busyMs: readonly number[];
  /** From its arrival to its first token. */
  readonly firstTokenMs: number;
}

/** A decoder that takes a prompt while it streams answers. */
export interface InterferencePeer {
  interfere(job: InterferenceJob): Promise<Interference>;
}

/** Two turns about one picture. */
export interface DialogJob {
  readonly round: number;
  /** Positions that the picture takes. */
  readonly imageTokens: number;
  /** Tokens of each question. */
  readonly textTokens: number;
  readonly answerTokens: number;
}

/** Time to first token of each turn, and prompt positions that were computed for it. */
export interface Turns {
  readonly firstMs: number;
  readonly firstComputed: number;
  readonly secondMs: number;
  readonly secondComputed: number;
}

/** What the state of some positions costs. */
export interface Moves {
  readonly computeMs: number;
  readonly copyMs: number;
}

/** An engine that keeps the state of dialogs. */
export interface DialogPeer {
  turns(job: DialogJob): Promise<Turns>;
  move(positions: number): Promise<Moves>;
}

/** Many short generations. */
export interface SoakJob {
  readonly generations: number;
  /** How many are under way at the same time. */
  readonly callers: number;
}

/** How they ended, by what the callers saw and by what the engine told, and what was left behind. */
export interface SoakReport {
  readonly finished: number;
  readonly left: number;
  readonly failed: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Along the way: resident memory of the process, and what JavaScript holds after a collection. */
  readonly memory: readonly {
    readonly generations: number;
    readonly residentBytes: number;
    readonly liveBytes: number;
  }[];
  readonly load: { readonly running: number; readonly waiting: number };
  readonly ms: number;
}

/** An engine that is put to the test of time. */
export interface SoakPeer {
  soak(job: SoakJob): Promise<SoakReport>;
}

/** A question about a picture. */
export interface PictureQuestion {
  /** Names the picture: state of one key is used again. */
  readonly key: string;
  readonly embedding: ImageEmbedding;
  readonly ids: readonly number[];
}

/** One part of a model, loaded as a service loads it. */
export interface ServicePeer extends TextPeer {
  encode(picture: Uint8Array): Promise<ImageEmbedding>;
  /** Milliseconds to the first token. */
  ask(question: PictureQuestion): Promise<number>;
}

export type Reply<T> = { readonly ok: true; readonly result: T } | { readonly ok: false; readonly error: string };

/**
 * The child's side: `load` gets the options the parent started it with; what it returns answers the parent's calls.
 */
export async function serve<Options, Methods extends object>(
  load: (options: Options) => Promise<Methods>,
): Promise<void> {
  const [options] = process.argv.slice(2);
  const methods = await load(JSON.parse(options ?? '{}') as Options);
  process.on('message', async ({ method, argument }: { method: keyof Methods; argument: unknown }) => {
    const reply = await answer(methods[method] as (argument: unknown) => Promise<unknown>, argument);
    process.send?.(reply);
  });
  process.send?.({ ok: true, result: undefined } satisfies Reply<undefined>);
}

async function answer(method: (argument: unknown) => Promise<unknown>, argument: unknown): Promise<Reply<unknown>> {
  try {
    return { ok: true, result: await method(argument) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** One run of the vision graph over a batch. */
export interface VisionRun {
  /** The graph alone. */
  readonly graphMs: number;
  /** From compressed pictures to embeddings; the graph alone where a peer decodes none. */
  readonly totalMs: number;
}

/** A vision encoder. */
export interface VisionPeer {
  /** Encodes compressed pictures in one batch. */
  encode(pictures: readonly Uint8Array[]): Promise<VisionRun>;
}
