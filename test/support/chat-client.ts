import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDENS_DIRECTORY, type GoldenCase } from './goldens.ts';

/** A message as it travels. */
export interface WireMessage {
  readonly role: string;
  readonly content: unknown;
}

/** The answer's fields that tests look at. */
export interface Completion {
  readonly choices: readonly {
    readonly message: { readonly content: string; readonly grounding?: readonly unknown[] };
    readonly logprobs: {
      readonly content: readonly {
        readonly token: string;
        readonly logprob: number;
        readonly bytes: readonly number[] | null;
        readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[];
      }[];
    } | null;
    readonly finish_reason: string;
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number; readonly image_tokens: number };
  };
  readonly eidetic: { readonly images: readonly { readonly id: string; readonly cached: boolean }[] };
}

/** An error body. */
export interface Failure {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly param: string | null;
  };
}

/** A picture as a content part. */
export const imagePart = (bytes: Uint8Array, type = 'image/png') => ({
  type: 'image_url',
  image_url: { url: `data:${type};base64,${Buffer.from(bytes).toString('base64')}` },
});

/** The dialog of a golden case, pictures inline. */
export const wireMessages = (golden: GoldenCase): WireMessage[] =>
  golden.messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === 'string'
        ? content
        : content.map((part) =>
            part.type === 'text' ? part : imagePart(readFileSync(join(GOLDENS_DIRECTORY, part.image))),
          ),
  }));

/** Posts a body as it is. */
export const post = (url: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });

/** Asks and waits for the whole answer; throws what the server says otherwise. */
export async function complete(url: string, body: Record<string, unknown>): Promise<Completion> {
  const response = await post(url, { model: 'qwen-vl-nano-chat', ...body });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Completion;
}
