import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '@eidetic/config';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { MODEL_SETTINGS, VISION_SETTINGS } from '@eidetic/model-loader';
import { startVision } from '@eidetic/model-loader/vision';
import { ChatServiceDefinition, FinishReason, ImageServiceDefinition } from '@eidetic/proto';
import type { RpcChannel } from '@eidetic/rpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { complete, wireMessages } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY, goldens } from '../support/goldens.ts';
import { channelTo, namedPart, picturePart, rpcChat, rpcDialog, rpcRequest, textPart } from '../support/rpc-chat.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

let server: StandaloneServer;

beforeAll(async () => {
  server = await StandaloneServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

const png = (name: string): Uint8Array => readFileSync(join(GOLDENS_DIRECTORY, 'images', name));

const golden = (name: string) => {
  const found = goldens.cases.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`${name} is missing`);
  return found;
};

/** The value of a metric; 0 as long as it is not there. */
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return Number(line?.slice(line.lastIndexOf(' ')) ?? 0);
};
const encodes = (): Promise<number> => metric('eidetic_image_encode_seconds_count{stage="encode"}');

function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) {
    yield { sizeBytes: at === 0 ? bytes.length : 0, chunk: bytes.subarray(at, at + size) };
  }
}

const upload = (channel: RpcChannel, bytes: Uint8Array, size = 1000) =>
  channel.upload(ImageServiceDefinition, 'upload', pieces(bytes, size));

describe('a chat over gRPC', () => {
  it.each(['17-ground-en', '18-ground-zh', '23-album-zh', '24-turns-en'])(
    'is the chat over HTTP, boxes and counts included: %s',
    async (name) => {
      const channel = channelTo(server.grpc);
      const whole = await complete(server.url, { messages: wireMessages(golden(name)) });
      const [choice] = whole.choices;
      const answer = await rpcChat(channel, rpcDialog(golden(name)));
      expect(answer.text).toBe(golden(name).output_text);
      expect(answer.text).toBe(choice?.message.content);
      const boxes = answer.all('grounding').map(({ grounding }) => ({ box: grounding?.box, text: grounding?.text }));
      expect(choice?.message.grounding ?? []).toMatchObject(boxes);
      expect(answer.all('started')).toMatchObject([
        { model: 'qwen-vl-nano-chat', promptTokens: whole.usage.prompt_tokens },
      ]);
      expect(answer.all('started')[0]?.images).toMatchObject(
        whole.eidetic.images.map(({ id: imageId }) => ({ imageId, cached: true })),
      );
      const [finished] = answer.all('finished');
      expect(finished?.usage).toMatchObject({
        promptTokens: whole.usage.prompt_tokens,
        completionTokens: whole.usage.completion_tokens,
        imageTokens: whole.usage.prompt_tokens_details.image_tokens,
      });
      expect(finished?.reason).toBe(FinishReason.FINISH_REASON_STOP);
    },
  );

  it('draws the same tokens from the same seed, answer by answer, and tells the same log probabilities', async () => {
    const channel = channelTo(server.grpc);
    const question = 'What is in this picture?';
    const bytes = png('03-caption-1.png');
    const url = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: question },
    ];
    const whole = await complete(server.url, {
      messages: [{ role: 'user', content }],
      temperature: 1.2,
      seed: 11,
      n: 2,
      logprobs: true,
      top_logprobs: 2,
    });
    const sampling = { logitBias: new Map<number, number>(), temperature: 1.2, seed: 11n };
    const request = rpcRequest([picturePart(bytes), textPart(question)], {
      sampling,
      choices: 2,
      logprobs: 2,
    } as object);
    const answer = await rpcChat(channel, request);
    for (const [i, { message, logprobs }] of whole.choices.entries()) {
      const texts = answer.all('text').filter(({ choice }) => choice === i);
      expect(texts.map(({ text }) => text).join('')).toBe(message.content);
      const tokens = texts.flatMap((text) => text.tokens);
      expect(tokens.map(({ token, top }) => [token?.text, token?.logprob, top.map(({ logprob }) => logprob)])).toEqual(
        logprobs?.content.map((each) => [each.token, each.logprob, each.top_logprobs.map(({ logprob }) => logprob)]),
      );
    }
  });

  it('ends with DEADLINE_EXCEEDED when its time is up, and the slot is free', async () => {
    const channel = channelTo(server.grpc);
    const long = rpcRequest([textPart('Count to a million.')], { ignoreEos: true, maxTokens: 1900 });
    await expect(rpcChat(channel, long, { deadlineMs: Date.now() + 100 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await expect.poll(() => metric('eidetic_engine_requests_running'), SOON).toBe(0);
  });

  it('frees the slot when its caller leaves', async () => {
    const channel = channelTo(server.grpc);
    const long = rpcRequest([textPart('Count to a million.')], { ignoreEos: true, maxTokens: 1900 });
    for await (const { event } of channel.stream(ChatServiceDefinition, 'chat', long)) {
      if (event?.$case === 'text') break;
    }
    await expect.poll(() => metric('eidetic_engine_requests_running'), SOON).toBe(0);
    const cancelled = 'eidetic_grpc_calls_total{method="/eidetic.v1.ChatService/Chat",outcome="cancelled"}';
    await expect.poll(() => metric(cancelled), SOON).toBe(1);
  });

  it('names the picture that is none, by its path', async () => {
    const wrong = rpcRequest([
      picturePart(png('06-color-1.png')),
      picturePart(Buffer.from('no picture')),
      textPart('?'),
    ]);
    await expect(rpcChat(channelTo(server.grpc), wrong)).rejects.toMatchObject({
      code: 'invalid_image',
      details: { param: 'messages[0].content[1].image' },
    });
  });
});

describe('an uploaded picture', () => {
  it('is looked at when it comes, and not again when a chat names it', async () => {
    const channel = channelTo(server.grpc);
    const bytes = png('11-size-1.png');
    const before = await encodes();
    const uploaded = await upload(channel, bytes);
    expect(uploaded).toEqual({
      imageId: hash('sha256', bytes, 'hex'),
      width: expect.any(Number),
      height: expect.any(Number),
    });
    expect(await encodes()).toBe(before + 1);
    const question = textPart('What is this?');
    const named = await rpcChat(channel, rpcRequest([namedPart(uploaded.imageId), question]));
    const inline = await rpcChat(channel, rpcRequest([picturePart(bytes), question]));
    expect(named.all('started')[0]?.images).toEqual([{ ...uploaded, cached: true }]);
    expect(named.text).toBe(inline.text);
    expect(named.text).not.toBe('');
    expect(await encodes()).toBe(before + 1);
    expect(await upload(channel, bytes, bytes.length)).toEqual(uploaded);
    expect(await encodes()).toBe(before + 1);
  });

  it('is refused when it is none', async () => {
    const answer = upload(channelTo(server.grpc), Buffer.from('no picture at all'), 5);
    await expect(answer).rejects.toMatchObject({ code: 'invalid_image' });
  });

  it('that was never sent is not known', async () => {
    const chat = rpcChat(channelTo(server.grpc), rpcRequest([namedPart('0'.repeat(64)), textPart('?')]));
    await expect(chat).rejects.toMatchObject({ code: 'unsupported_image_source' });
  });
});

describe('an embedding', () => {
  it('is the one that the encoder makes, bit for bit, and the same when it is cached', async () => {
    const channel = channelTo(server.grpc);
    const bytes = png('10-where-1.png');
    const image = { source: { $case: 'data', value: bytes } } as const;
    const first = await channel.unary(ImageServiceDefinition, 'encode', { image });
    const again = await channel.unary(ImageServiceDefinition, 'encode', { image });
    expect(first).toMatchObject({ imageId: hash('sha256', bytes, 'hex'), cached: false });
    expect(again).toEqual({ ...first, cached: true });
    const config = loadConfig({ ...MODEL_SETTINGS, ...VISION_SETTINGS }, {});
    await using vision = await startVision(await testBundle(DEFAULT_PRECISIONS), config, {
      onProgress: () => {},
      signal: new AbortController().signal,
    });
    const [direct] = await vision.encoder.encode([bytes]);
    if (!direct?.ok) throw direct?.error;
    expect(first.embedding).toMatchObject({ tokens: 64, hidden: 320 });
    expect(new Float32Array(new Uint8Array(first.embedding?.data ?? []).buffer)).toEqual(direct.embedding.data);
  });
});

it('can be found and called with no schema but its own', async () => {
  const buf = join(import.meta.dirname, '../../node_modules/.bin/buf');
  const flags = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];
  const curl = async (path: string, ...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(buf, [...flags, ...args, `http://${server.grpc}${path}`])).stdout;
  const methods = await curl('', '--list-methods');
  expect(methods).toContain('eidetic.v1.ChatService/Chat');
  expect(methods).toContain('eidetic.v1.ImageService/Upload');
  const request = { messages: [{ role: 'ROLE_USER', content: [{ text: 'Hello!' }] }], maxTokens: 4 };
  const answer = await curl('/eidetic.v1.ChatService/Chat', '-d', JSON.stringify(request));
  expect(answer).toContain('"finished"');
  expect(JSON.parse(await curl('/eidetic.v1.ChatService/ListModels', '-d', '{}'))).toMatchObject({
    models: [{ name: 'qwen-vl-nano-chat', facts: { maxContext: 8192 } }],
  });
});
