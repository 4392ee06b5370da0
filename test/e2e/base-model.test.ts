import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeBaseCheckpoint } from '../support/base-checkpoint.ts';
import { imagePart } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { channelTo, picturePart, rpcChat, rpcRequest, textPart } from '../support/rpc-chat.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const MODEL = 'qwen-vl';

let directory: string;
let server: StandaloneServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-base-'));
  const settings = { EIDETIC_MODEL: await writeBaseCheckpoint(join(directory, MODEL)) };
  server = await StandaloneServer.start({ ...settings, EIDETIC_CACHE_DIR: join(directory, 'cache') });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const TRAIN = await readFile(join(GOLDENS_DIRECTORY, 'images/17-ground-1.png'));
const SHORTS = await readFile(join(GOLDENS_DIRECTORY, 'images/03-caption-1.png'));

interface Answer {
  readonly choices: readonly {
    readonly text?: string;
    readonly message?: { readonly content: string };
    readonly finish_reason: string;
    readonly grounding?: readonly { readonly text: string; readonly box: object; readonly imageIndex: number }[];
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

async function ask(route: 'completions' | 'chat/completions', body: object): Promise<Answer> {
  const response = await fetch(`${server.url}/v1/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, temperature: 0, ...body }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

type Part = string | Uint8Array;

/** A prompt as the official evaluations write it, with the picture itself for its address. */
const written = (parts: readonly Part[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : `<img>${imagePart(part).image_url.url}</img>`)).join('');

const GREEDY = { logitBias: new Map<number, number>(), temperature: 0 };

/** The same over gRPC. */
const askRpc = (parts: readonly Part[], fields: { readonly maxTokens: number; readonly minTokens: number }) => {
  const prompt = parts.map((part) => (typeof part === 'string' ? textPart(part) : picturePart(part)));
  return rpcChat(channelTo(server.grpc), rpcRequest([], { messages: [], prompt, sampling: GREEDY, ...fields }));
};

describe('the base model', () => {
  // Prompts, most and fewest tokens of eval_mm in https://github.com/QwenLM/Qwen-VL; what the embedded model says to them.
  it.each<[string, readonly Part[], number, number, RegExp]>([
    ['a caption', [SHORTS, 'Describe the image in English:'], 30, 8, /shorts/],
    ['a question', [TRAIN, 'What is in this picture? Answer:'], 10, 1, /steam train/],
    ['a text in a picture', [TRAIN, 'What does it say? Answer:'], 100, 1, /./],
    [
      'a question after an example',
      [SHORTS, 'What is in this picture? Answer: a pair of shorts', TRAIN, 'What is in this picture? Answer:'],
      10,
      1,
      /steam train/,
    ],
    ['a region', [TRAIN, '<ref>the steam train</ref><box>'], 28, 10, /^\(\d+,\d+\),\(\d+,\d+\)<\/box>/],
    ['a caption with regions', [TRAIN, 'Generate the caption in English with grounding:'], 30, 8, /steam train/],
  ])('goes on with %s, over HTTP as over gRPC', async (_, parts, maxTokens, minTokens, expected) => {
    const limits = { max_tokens: maxTokens, min_tokens: minTokens };
    const { choices, usage } = await ask('completions', { prompt: written(parts), ...limits });
    expect(choices[0]?.text).toMatch(expected);
    expect(usage.completion_tokens).toBeGreaterThanOrEqual(minTokens);
    expect(usage.completion_tokens).toBeLessThanOrEqual(maxTokens);
    const rpc = await askRpc(parts, { maxTokens, minTokens });
    expect(rpc.text).toBe(choices[0]?.text);
    expect(rpc.all('started')).toMatchObject([{ model: MODEL, promptTokens: usage.prompt_tokens }]);
    expect(rpc.all('finished')[0]?.usage?.completionTokens).toBe(usage.completion_tokens);
  });

  it('answers a prompt that opens a box with the box, typed', async () => {
    const parts = [TRAIN, '<ref>the steam train</ref><box>'];
    const { choices } = await ask('completions', { prompt: written(parts), max_tokens: 28, min_tokens: 10 });
    const region = { text: 'the steam train', imageIndex: 0 };
    expect(choices[0]?.grounding).toMatchObject([region]);
    const box = choices[0]?.grounding?.[0]?.box;
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = (choices[0]?.text?.match(/\d+/g) ?? []).map(Number);
    const [width, height] = [TRAIN.readUInt32BE(16), TRAIN.readUInt32BE(20)];
    const inPixels = (x: number, side: number): number => Math.round((x / 1000) * side);
    expect(box).toEqual({
      x1: inPixels(x1, width),
      y1: inPixels(y1, height),
      x2: inPixels(x2, width),
      y2: inPixels(y2, height),
    });
    const rpc = await askRpc(parts, { maxTokens: 28, minTokens: 10 });
    expect(rpc.all('grounding')).toMatchObject([{ grounding: { text: 'the steam train', box } }]);
  });

  it('ends at its end of text, though not before it has as many tokens as asked for', async () => {
    const endOfText = JSON.parse(await readFile(join(directory, MODEL, 'generation_config.json'), 'utf8')).eos_token_id;
    const atOnce = { prompt: written([SHORTS, 'Describe the image in English:']), logit_bias: { [endOfText]: 100 } };
    const none = await ask('completions', { ...atOnce, max_tokens: 30 });
    expect(none).toMatchObject({ choices: [{ text: '', finish_reason: 'stop' }], usage: { completion_tokens: 0 } });
    const some = await ask('completions', { ...atOnce, max_tokens: 30, min_tokens: 8 });
    expect(some).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { completion_tokens: 8 } });
    const cut = await ask('completions', { ...atOnce, max_tokens: 8, min_tokens: 8 });
    expect(cut).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 8 } });
    expect(cut.choices[0]?.text).toBe(some.choices[0]?.text);
  });

  it('ends before a word of the request', async () => {
    const body = { prompt: 'Hi', max_tokens: 30, structured_outputs: { regex: 'A train\\. Human: Why\\?' } };
    expect((await ask('completions', body)).choices[0]?.text).toBe('A train. Human: Why?');
    const stopped = await ask('completions', { ...body, stop: 'Human:' });
    expect(stopped.choices[0]).toMatchObject({ text: 'A train. ', finish_reason: 'stop' });
  });

  it('reads the messages of a chat as one text, its pictures numbered', async () => {
    const content = [imagePart(TRAIN), { type: 'text', text: 'What is in this picture? Answer:' }];
    const chat = await ask('chat/completions', { messages: [{ role: 'user', content }], max_tokens: 10 });
    const prompt = written(['Picture 1: ', TRAIN, '\nWhat is in this picture? Answer:']);
    const raw = await ask('completions', { prompt, max_tokens: 10 });
    expect(chat.choices[0]?.message?.content).toBe(raw.choices[0]?.text);
    expect(chat.usage).toMatchObject({ prompt_tokens: raw.usage.prompt_tokens });
  });
});
