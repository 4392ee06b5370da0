import { readEvents } from './sse.js';

/**
 * @typedef {{ type: 'text', text: string } | { type: 'image_url', image_url: { url: string } }} ContentPart
 * @typedef {{ role: 'user', content: ContentPart[] } | { role: 'assistant', content: string }} Message
 * @typedef {{ id: string, width: number, height: number, cached: boolean }} SeenImage
 * @typedef {{ x1: number, y1: number, x2: number, y2: number }} Box  In pixels of the picture.
 * @typedef {{ text: string, box: Box, quad?: { x: number, y: number }[], imageIndex: number }} Grounding
 * @typedef {{ prompt_tokens: number, completion_tokens: number, prompt_tokens_details?: { cached_tokens?: number, image_tokens?: number } }} Usage
 * @typedef {{ imagesMs: number, decoderMs: number, firstTokenMs: number, totalMs: number }} Timings
 * @typedef {{ delta?: { content?: string | null, grounding?: Grounding[] }, finish_reason?: string | null }} Choice
 * @typedef {{ choices?: Choice[], usage?: Usage | null, eidetic?: { images?: SeenImage[], timings?: Timings } }} Chunk
 */

/** A request that failed. `code` is the server's; `unreachable` and `interrupted` are this page's own. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * The name of the model that the server serves.
 *
 * @returns {Promise<string>}
 */
export async function fetchModel() {
  const response = await request('v1/models');
  const { data } = await response.json();
  return data[0].id;
}

/**
 * Asks for the next answer of a dialog and yields the chunks of its stream.
 *
 * @param {string} model
 * @param {Message[]} messages
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Chunk, void, void>}
 */
export async function* streamAnswer(model, messages, signal) {
  const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
  const headers = { 'content-type': 'application/json' };
  const response = await request('v1/chat/completions', { method: 'POST', headers, body, signal });
  if (response.body === null) throw new ApiError('interrupted', '');
  try {
    for await (const data of readEvents(response.body)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw toApiError(chunk);
      yield chunk;
    }
  } catch (reason) {
    if (reason instanceof ApiError || signal.aborted) throw reason;
    throw new ApiError('interrupted', String(reason));
  }
  throw new ApiError('interrupted', '');
}

/**
 * @param {string} path relative to the page
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
async function request(path, init) {
  const response = await fetch(path, init).catch((reason) => {
    if (init?.signal?.aborted) throw reason;
    throw new ApiError('unreachable', String(reason));
  });
  if (!response.ok) {
    // A proxy in between may answer with something else than JSON.
    const body = await response.json().catch(() => ({}));
    throw toApiError(body, `HTTP ${response.status}`);
  }
  return response;
}

/**
 * @param {{ error?: { code?: string | null, message?: string } }} body the error body of the OpenAI API
 * @param {string} [otherwise] the message if there is none
 */
function toApiError({ error }, otherwise = '') {
  return new ApiError(error?.code ?? 'unknown', error?.message ?? otherwise);
}
