import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { DialogPlan } from './plan-dialogs.ts';
import { testPicture } from './test-picture.ts';
import { timedEvents } from './timed-events.ts';
import { responseText, type TimedResponse, timedPost } from './timed-post.ts';

/** A load, and where it goes. */
export interface LoadOptions {
  /** Of the API, such as `http://localhost:8080/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey?: string;
  readonly dialogs: readonly DialogPlan[];
  /** Questions of a dialog. */
  readonly turns: number;
  /** Dialogs that are under way at the same time. */
  readonly concurrency: number;
  readonly maxTokens: number;
  /** Whether answers go on past the model's own end; servers other than vLLM and Eidetic may refuse it. */
  readonly ignoreEos: boolean;
  /** Side of a picture in pixels. */
  readonly pictureSide: number;
  /** Longest time of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Random numbers in [0, 1): pictures are made of them. */
  readonly random: () => number;
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** A request that was answered: times are milliseconds since it was sent. */
interface LoadAnswer {
  readonly text: string;
  /** When the pieces of the answer arrived. */
  readonly arrivedMs: readonly number[];
  readonly totalMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** How a request ended: answered, or the code of its error. */
type LoadOutcome = { readonly answer: LoadAnswer } | { readonly error: string };

/** What became of a load. */
export interface LoadRun {
  readonly outcomes: readonly LoadOutcome[];
  /** From the first request to the end of the last. */
  readonly durationMs: number;
}

/** Asks all dialogs, each question when the answer to the last one is there; a dialog ends with its first error. */
export async function runLoad(options: LoadOptions): Promise<LoadRun> {
  const { dialogs, turns, concurrency, random, pictureSide, signal, onProgress } = options;
  const pictures = dialogs.flatMap((dialog) => dialog.pictures);
  // Made before the first request: nothing but asking is to cost anything then.
  const urls = Array.from({ length: Math.max(-1, ...pictures) + 1 }, () => {
    return `data:image/png;base64,${testPicture(pictureSide, random).toString('base64')}`;
  });
  const keepAlive = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  const agent = options.baseUrl.startsWith('https:') ? new HttpsAgent(keepAlive) : new Agent(keepAlive);
  const outcomes: LoadOutcome[] = [];
  const waiting = dialogs.values();
  const client = async (): Promise<void> => {
    for (const { pictures: own } of waiting) {
      const messages: object[] = [];
      for (let turn = 1; turn <= turns && signal?.aborted !== true; turn++) {
        messages.push({ role: 'user', content: question(turn, turn === 1 ? own : [], urls) });
        const outcome = await ask(options, agent, messages);
        if (signal?.aborted) return;
        outcomes.push(outcome);
        onProgress?.(outcomes.length, dialogs.length * turns);
        if ('error' in outcome) break;
        messages.push({ role: 'assistant', content: outcome.answer.text });
      }
    }
  };
  const start = performance.now();
  try {
    await Promise.all(Array.from({ length: concurrency }, client));
    return { outcomes, durationMs: performance.now() - start };
  } finally {
    agent.destroy();
  }
}

const QUESTIONS = ['What is in the picture?', 'Which colours has it?', 'Describe it once more, in other words.'];

function question(turn: number, pictures: readonly number[], urls: readonly string[]): readonly object[] {
  const text = QUESTIONS[(turn - 1) % QUESTIONS.length];
  const parts = pictures.map((picture) => ({ type: 'image_url', image_url: { url: urls[picture] } }));
  return [...parts, { type: 'text', text }];
}

async function ask(options: LoadOptions, agent: Agent, messages: readonly object[]): Promise<LoadOutcome> {
  const { baseUrl, model, apiKey, maxTokens, ignoreEos, timeoutMs, signal } = options;
  const body = JSON.stringify({
    model,
    messages,
    max_tokens: maxTokens,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
    ...(ignoreEos && { ignore_eos: true }),
  });
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await timedPost(`${baseUrl}/chat/completions`, body, {
      agent,
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    return response.status === 200 ? readAnswer(response) : { error: errorCode(response) };
  } catch (error) {
    if (timeout.aborted) return { error: 'timeout' };
    return { error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly error?: { readonly code?: string | null };
}

function readAnswer({ arrivals, totalMs }: TimedResponse): LoadOutcome {
  const arrivedMs: number[] = [];
  let text = '';
  let usage: Chunk['usage'];
  for (const { data, atMs } of timedEvents<Chunk>(arrivals)) {
    if (data.error !== undefined) return { error: data.error.code ?? 'error in the stream' };
    const piece = data.choices?.[0]?.delta?.content;
    if (piece) {
      arrivedMs.push(atMs);
      text += piece;
    }
    usage = data.usage ?? usage;
  }
  const answer = {
    text,
    arrivedMs,
    totalMs,
    promptTokens: usage?.prompt_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    // A server that does not count sends about a token in a piece.
    completionTokens: usage?.completion_tokens ?? arrivedMs.length,
  };
  return { answer };
}

/** OpenAI's name of an error, or its status. */
function errorCode(response: TimedResponse): string {
  try {
    const body = JSON.parse(responseText(response)) as Chunk;
    return body.error?.code ?? `status ${response.status}`;
  } catch {
    // Whatever answered, it was no API.
    return `status ${response.status}`;
  }
}
