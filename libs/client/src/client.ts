import type { ChatAnswer, ChatEvent } from './answer.ts';
import { type Batches, createBatches } from './batches.ts';
import type { ChatRequest, CompletionRequest } from './chat-request.ts';
import { createDialog, type Dialog, type DialogOptions } from './dialog.ts';
import { EideticConnectionError } from './errors.ts';
import { createFiles, type Files } from './files.ts';
import { readAnswer, readChunks } from './read-answer.ts';
import { createTransport } from './transport.ts';

/** How the server is reached. */
export interface ClientOptions {
  /** Address of the server, with or without `/v1`, such as `http://localhost:8080`. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey?: string;
  /** Instead of the `fetch` that is there. */
  readonly fetch?: typeof fetch;
  /** Longest time to wait without a byte from the server: 10 minutes if absent. */
  readonly timeoutMs?: number;
  /** How often a request is sent again that met an overloaded or unreachable server: 3 if absent. */
  readonly retries?: number;
}

/** How one call is made. */
export interface CallOptions {
  /** Ends the request; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A model that the server serves. */
export interface Model {
  readonly id: string;
  readonly object: 'model';
  /** Unix time in seconds. */
  readonly created: number;
  readonly owned_by: string;
  /** Length of the context, prompt and answer together; absent until the model is loaded, as what follows. */
  readonly max_model_len?: number;
  readonly eidetic?: {
    /** What a picture takes of the context. */
    readonly imageTokens: number;
    /** Most pictures of a request. */
    readonly maxImages: number;
  };
}

/**
 * A client of an Eidetic server. All calls reject with `EideticApiError` for what the server says, with `EideticConnectionError`
 * where it says nothing, and with the signal's reason once that is aborted.
 */
export interface EideticClient {
  /** Asks for the next answer of a dialog and waits for the whole of it. */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatAnswer>;
  /** The same, as it comes. Leaving the iteration ends the request. */
  streamChat(request: ChatRequest, options?: CallOptions): AsyncIterable<ChatEvent>;
  /** Goes on with a text, and waits for the whole answer. */
  complete(request: CompletionRequest, options?: CallOptions): Promise<ChatAnswer>;
  /** The same, as it comes. Leaving the iteration ends the request. */
  streamComplete(request: CompletionRequest, options?: CallOptions): AsyncIterable<ChatEvent>;
  /** A dialog that remembers its turns, and does not send a picture twice. */
  dialog(options?: DialogOptions): Dialog;
  models(options?: CallOptions): Promise<readonly Model[]>;
  readonly files: Files;
  readonly batches: Batches;
}

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_RETRIES = 3;
const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** Makes a client; nothing is sent before the first call. */
export const createClient = (options: ClientOptions): EideticClient => {
  const transport = createTransport({
    baseUrl: options.baseUrl,
    apiKey: options.apiKey,
    // Browsers want to see `fetch` called as a function of the window.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retries: options.retries ?? DEFAULT_RETRIES,
  });

  const models = async ({ signal }: CallOptions = {}): Promise<readonly Model[]> => {
    const answer = await transport.json({ path: '/models', signal });
    const { data } = answer as { readonly data?: readonly Model[] };
    if (!Array.isArray(data)) throw new EideticConnectionError('invalid_response', 'This is no list of models.');
    return data;
  };

  let served: string | undefined;
  /** The model that the server serves, asked for once. */
  const servedModel = async (signal: AbortSignal | undefined): Promise<string> => {
    served ??= (await models({ ...(signal && { signal }) }))[0]?.id;
    if (served === undefined) throw new EideticConnectionError('invalid_response', 'The server serves no model.');
    return served;
  };

  const call = async (
    path: string,
    request: ChatRequest | CompletionRequest,
    signal: AbortSignal | undefined,
    more = {},
  ) => {
    const model = request.model ?? (await servedModel(signal));
    return { method: 'POST', path, body: { ...request, model, ...more }, signal } as const;
  };
  const whole = async (...asked: Parameters<typeof call>): Promise<ChatAnswer> =>
    readAnswer(await transport.json(await call(...asked)));
  async function* streamed(...asked: Parameters<typeof call>): AsyncGenerator<ChatEvent, void, undefined> {
    yield* readChunks(transport.events(await call(...asked)));
  }

  const files = createFiles(transport);
  const client: EideticClient = {
    models,
    files,
    batches: createBatches(transport, files),
    chat: (request, { signal } = {}) => whole('/chat/completions', request, signal),
    streamChat: (request, { signal } = {}) => streamed('/chat/completions', request, signal, STREAMED),
    complete: (request, { signal } = {}) => whole('/completions', request, signal),
    streamComplete: (request, { signal } = {}) => streamed('/completions', request, signal, STREAMED),
    dialog: (dialogOptions) => createDialog(client, dialogOptions),
  };
  return client;
};
