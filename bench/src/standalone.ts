import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { peakMemoryBytes } from './contender.ts';

const MAIN = fileURLToPath(new URL('../../services/standalone/src/main.ts', import.meta.url));

/** When an answer's pieces arrived, in milliseconds since the request was sent. */
export interface StreamedAnswer {
  readonly text: string;
  readonly arrivedMs: readonly number[];
  readonly completionTokens: number;
}

/** A part of a message as the OpenAI API takes it. */
export type ContentPart = { readonly type: string; readonly [field: string]: unknown };

/** The standalone server in a process of its own, on a free port. */
export class Standalone implements AsyncDisposable {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #model: string;

  private constructor(process: ChildProcess, url: string, model: string) {
    this.#process = process;
    this.#url = url;
    this.#model = model;
  }

  /**
   * Starts the server with `EIDETIC_*` settings and waits until it answers chats.
   *
   * @throws Error with what the server said when it ends instead.
   */
  static async start(settings: Readonly<Record<string, string>>): Promise<Standalone> {
    const env = { ...process.env, ...settings, EIDETIC_HTTP_PORT: '0', EIDETIC_LOG_LEVEL: 'error' };
    const server = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'inherit', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface(server.stderr)) {
      said.push(line);
      const address = /http:\/\/[\w.:]+/.exec(line)?.[0];
      if (address === undefined) continue;
      server.stderr.resume();
      return new Standalone(server, address, await servedModel(address));
    }
    throw new Error(`The standalone server ended while starting: ${said.join('\n')}`);
  }

  /** Asks one question, greedily, and streams the answer. */
  async ask(content: readonly ContentPart[], maxTokens: number): Promise<StreamedAnswer> {
    const body = JSON.stringify({
      model: this.#model,
      messages: [
        { role: 'system', content: 'You are a helpful assistant.' },
        { role: 'user', content },
      ],
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    });
    const arrivedMs: number[] = [];
    let text = '';
    let completionTokens = 0;
    for (const { chunk, atMs } of readEvents(await this.#post('/v1/chat/completions', body))) {
      const piece = chunk.choices[0]?.delta.content;
      if (piece) {
        arrivedMs.push(atMs);
        text += piece;
      }
      completionTokens = chunk.usage?.completion_tokens ?? completionTokens;
    }
    return { text, arrivedMs, completionTokens };
  }

  /**
   * Posts JSON and takes down what arrives when. Reading it is left for later: what the client computes meanwhile would be taken
   * from the server on the same cores.
   */
  async #post(path: string, body: string): Promise<readonly Arrival[]> {
    const start = performance.now();
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(`${this.#url}${path}`, { method: 'POST', agent: this.#agent, headers });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const arrivals: Arrival[] = [];
    response.on('data', (bytes: Buffer) => arrivals.push({ bytes, atMs: performance.now() - start }));
    await once(response, 'end');
    if (response.statusCode === 200) return arrivals;
    throw new Error(`${response.statusCode}: ${Buffer.concat(arrivals.map(({ bytes }) => bytes))}`);
  }

  /** Most memory that the server has held so far. */
  peakMemoryBytes(): Promise<number> {
    return peakMemoryBytes(this.#process.pid ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}

async function servedModel(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/models`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data[0]?.id ?? '';
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

interface Arrival {
  readonly bytes: Buffer;
  readonly atMs: number;
}

/** The JSON of each server-sent event up to `[DONE]`, and when its end arrived. */
function* readEvents(arrivals: readonly Arrival[]): Iterable<{ readonly chunk: Chunk; readonly atMs: number }> {
  const decoder = new TextDecoder();
  let rest = '';
  for (const { bytes, atMs } of arrivals) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: {')) yield { chunk: JSON.parse(line.slice(6)) as Chunk, atMs };
    }
  }
}
