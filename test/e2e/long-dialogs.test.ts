import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatAnswer, createClient } from '@eidetic/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Failure, imagePart, post } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { channelTo, rpcChat, rpcRequest, textPart } from '../support/rpc-chat.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const MODEL = 'qwen-vl-nano-chat';
const PICTURE = imagePart(readFileSync(join(GOLDENS_DIRECTORY, 'images/02-shape-1.png')));

let server: StandaloneServer;
/** Positions of a dialog, and rows of a picture, as the server says. */
let context: number;
let imageTokens: number;

beforeAll(async () => {
  server = await StandaloneServer.start();
  const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as {
    readonly data: readonly { readonly max_model_len: number; readonly eidetic: { readonly imageTokens: number } }[];
  };
  context = data[0]?.max_model_len ?? Number.NaN;
  imageTokens = data[0]?.eidetic.imageTokens ?? Number.NaN;
});

afterAll(() => server[Symbol.asyncDispose]());

type Part = object;
const text = (content: string): Part => ({ type: 'text', text: content });
const dialog = (...content: readonly Part[]) => ({ model: MODEL, messages: [{ role: 'user', content }] });
const words = (count: number): string => 'one two three '.repeat(count);

async function refusal(body: object): Promise<Failure['error'] & { readonly status: number }> {
  const response = await post(server.url, body);
  return { status: response.status, ...((await response.json()) as Failure).error };
}

/** Tokens of a prompt, from the refusal of an answer that no context has room for. */
async function countTokens(...content: readonly Part[]): Promise<number> {
  const { message } = await refusal({ ...dialog(...content), max_tokens: context });
  return Number(/prompt takes (\d+) tokens and/.exec(message)?.[1]);
}

/** A text whose prompt leaves room for an answer of fewer tokens than one repetition of the words takes. */
async function fillingText(): Promise<{ readonly filling: string; readonly promptTokens: number }> {
  const [few, more] = [await countTokens(text(words(100))), await countTokens(text(words(200)))];
  const count = 100 + Math.floor((100 * (context - 1 - few)) / (more - few));
  const filling = words(count);
  return { filling, promptTokens: await countTokens(text(filling)) };
}

describe('a prompt that nearly fills the context', () => {
  it('is answered up to its last position, while another answer goes on', async () => {
    const { filling, promptTokens } = await fillingText();
    expect(promptTokens).toBeGreaterThan(4096);
    expect(promptTokens).toBeLessThan(context);
    const client = createClient({ baseUrl: server.url });
    const leaving = new AbortController();
    const asking = (content: string) => ({ messages: [{ role: 'user' as const, content }], ignore_eos: true });
    const story = { ...asking('Tell me a story.'), max_tokens: 4000 };
    const other = client.streamChat(story, { signal: leaving.signal })[Symbol.asyncIterator]();
    await other.next();
    let tokens = 0;
    const reading = (async () => {
      for (let next = await other.next(); !next.done; next = await other.next()) tokens++;
    })();
    let meanwhile = 0;
    let answer: ChatAnswer | undefined;
    for await (const event of client.streamChat(asking(filling))) {
      if (event.kind === 'started') meanwhile = tokens;
      if (event.kind === 'finished') ({ answer } = event);
    }
    leaving.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    // A prompt of more than 4,096 tokens comes in many parts, with a step of the other answer after each.
    expect(meanwhile).toBeGreaterThan(10);
    const usage = { prompt_tokens: promptTokens, completion_tokens: context - promptTokens };
    expect(answer).toMatchObject({ finishReason: 'length', usage });
  }, 240_000);
});

describe('what does not fit the context', () => {
  it('is refused with the numbers and what to do, over HTTP and gRPC alike', async () => {
    const content = words(5000);
    const { status, code, param, message } = await refusal(dialog(text(content)));
    expect({ status, code, param }).toEqual({ status: 400, code: 'context_length_exceeded', param: 'messages' });
    expect(message).toMatch(new RegExp(`takes \\d+ tokens, \\d+ more than fit into a context of ${context} .*Shorten`));
    await expect(rpcChat(channelTo(server.grpc), rpcRequest([textPart(content)]))).rejects.toMatchObject({
      code: 'context_length_exceeded',
      message,
    });
  });

  it('may be the answer: it is refused with the number that would fit', async () => {
    const fields = { maxTokens: context };
    const { status, code, param, message } = await refusal({ ...dialog(text('Hi')), max_tokens: context });
    expect({ status, code, param }).toEqual({ status: 400, code: 'context_length_exceeded', param: 'max_tokens' });
    expect(message).toMatch(/Ask for at most \d+ tokens/);
    await expect(rpcChat(channelTo(server.grpc), rpcRequest([textPart('Hi')], fields))).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
  });

  it('may be a picture', async () => {
    const { filling, promptTokens } = await fillingText();
    expect(promptTokens).toBeGreaterThan(context - imageTokens);
    const { status, code, message } = await refusal(dialog(PICTURE, text(filling)));
    expect({ status, code }).toEqual({ status: 400, code: 'context_length_exceeded' });
    expect(Number(/takes (\d+) tokens/.exec(message)?.[1])).toBeGreaterThanOrEqual(promptTokens + imageTokens);
  });
});
