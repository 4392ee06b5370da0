import { Agent } from 'node:http';
import { responseText, timedEvents, timedPost } from '@eidetic/load';

/** When an answer's pieces arrived, in milliseconds since the request was sent. */
export interface StreamedAnswer {
  readonly text: string;
  readonly arrivedMs: readonly number[];
  readonly completionTokens: number;
  /** From the request to the end of the answer, as the client saw it. */
  readonly totalMs: number;
  /** Where the server says that the time went. */
  readonly serverMs: ServerTimings;
}

/** Times that the server reports, in milliseconds. */
interface ServerTimings {
  readonly imagesMs: number;
  readonly decoderMs: number;
}

/** A part of a message as the OpenAI API takes it. */
export type ContentPart = { readonly type: string; readonly [field: string]: unknown };

/** What one question is asked with. */
export interface AskOptions {
  /** Earlier messages of the dialog, the system prompt left out. */
  readonly history?: readonly object[];
}

/** A client of a chat server. */
export class ChatClient implements Disposable {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: string;
  readonly #model: string;

  private constructor(url: string, model: string) {
    this.#url = url;
    this.#model = model;
  }

  /** Connects with a server that answers. */
  static async connect(url: string): Promise<ChatClient> {
    return new ChatClient(url, await servedModel(url));
  }

  /** Asks one question, greedily, and streams the answer. */
  async ask(
    content: readonly ContentPart[],
    maxTokens: number,
    { history = [] }: AskOptions = {},
  ): Promise<StreamedAnswer> {
    const start = performance.now();
    const body = JSON.stringify({
      model: this.#model,
      messages: [{ role: 'system', content: 'You are a helpful assistant.' }, ...history, { role: 'user', content }],
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    });
    const arrivedMs: number[] = [];
    let text = '';
    let completionTokens = 0;
    let serverMs: ServerTimings | undefined;
    const response = await timedPost(`${this.#url}/v1/chat/completions`, body, { agent: this.#agent });
    if (response.status !== 200) throw new Error(`${response.status}: ${responseText(response)}`);
    for (const { data: chunk, atMs } of timedEvents<Chunk>(response.arrivals)) {
      const piece = chunk.choices[0]?.delta.content;
      if (piece) {
        arrivedMs.push(atMs);
        text += piece;
      }
      completionTokens = chunk.usage?.completion_tokens ?? completionTokens;
      serverMs = chunk.eidetic?.timings ?? serverMs;
    }
    if (serverMs === undefined) throw new Error('The answer came without timings.');
    return { text, arrivedMs, completionTokens, totalMs: performance.now() - start, serverMs };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

export async function servedModel(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/models`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data[0]?.id ?? '';
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: { readonly completion_tokens: number } | null;
  readonly eidetic?: { readonly timings?: ServerTimings };
}
