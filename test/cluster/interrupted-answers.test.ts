import { knownChats } from '@eidetic/chaos';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { complete, type Failure, post } from '../support/chat-client.ts';
import { encodesOf, startCluster, startGateway, sumOf, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { redisOf } from '../support/redis-client.ts';

const SOON = { timeout: 20_000, interval: 10 };
const RUNNING = 'eidetic_engine_requests_running';

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({ gateways: 1, visionEncoders: 1 });
});

afterAll(() => watched[Symbol.asyncDispose]());

interface Chunk {
  readonly choices: readonly {
    readonly logprobs?: { readonly content: readonly { readonly bytes: readonly number[] | null }[] } | null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/** A long sampled answer: its tokens as bytes, how it ended, and how many tokens it says it has. */
const sample = async (seed: number, onFirstToken: () => Promise<void>) => {
  const [gateway] = watched.cluster.gateways;
  const response = await post(gateway?.http ?? '', {
    model: 'qwen-vl-nano-chat',
    messages: [{ role: 'user', content: 'Tell me a long story.' }],
    temperature: 1.2,
    seed,
    max_tokens: 1000,
    ignore_eos: true,
    logprobs: true,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let interrupted: Promise<void> | undefined;
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (text.includes('"bytes"')) interrupted ??= onFirstToken();
  }
  await interrupted;
  const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
  const chunks = lines.map((line) => JSON.parse(line.slice('data: '.length)) as Chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  return {
    tokens: choices.flatMap(({ logprobs }) => logprobs?.content.map(({ bytes }) => bytes?.join(' ')) ?? []),
    end: choices.findLast(({ finish_reason }) => finish_reason)?.finish_reason,
    counted: chunks.findLast(({ usage }) => usage)?.usage?.completion_tokens,
  };
};

/** The decoder that generates. */
const busyDecoder = async () => {
  const { decoders } = watched.cluster;
  const running = await Promise.all(decoders.map((decoder) => sumOf([decoder], RUNNING)));
  const busy = decoders[running.indexOf(1)];
  if (busy) return busy;
  throw new Error(`The answer was over before it could be interrupted: ${running}.`);
};

it('goes on with a sampled answer, token for token, when its decoder is killed or hangs in the middle of it', async () => {
  const whole = await sample(7, async () => undefined);
  expect(whole).toMatchObject({ end: 'length', counted: 1000 });
  expect(whole.tokens).toHaveLength(1000);
  expect((await sample(8, async () => undefined)).tokens).not.toEqual(whole.tokens);

  const killed = await sample(7, async () => (await busyDecoder()).kill());
  expect(killed).toEqual(whole);
  await Promise.all(watched.cluster.decoders.map((decoder) => decoder.restart()));

  const hung = await sample(7, async () => (await busyDecoder()).pause());
  expect(hung).toEqual(whole);
  for (const decoder of watched.cluster.decoders) decoder.resume();
  expect(watched.troubles()).toEqual([]);
});

it('frees the slot of a client that leaves in the middle of an answer', async () => {
  const { decoders } = watched.cluster;
  await expect.poll(() => sumOf(decoders, RUNNING), SOON).toBe(0);
  const leaving = new AbortController();
  const [gateway] = watched.cluster.gateways;
  const body = { messages: [{ role: 'user', content: 'Go on.' }], max_tokens: 1800, ignore_eos: true, stream: true };
  const response = await post(gateway?.http ?? '', { model: 'qwen-vl-nano-chat', ...body }, { signal: leaving.signal });
  expect(response.status).toBe(200);
  expect(await sumOf(decoders, RUNNING)).toBe(1);
  leaving.abort();
  await expect.poll(() => sumOf(decoders, RUNNING), SOON).toBe(0);
  const cancelled = 'outcome="cancelled",stage="decode"';
  expect(await sumOf(decoders, 'eidetic_engine_requests_finished_total', cancelled)).toBeGreaterThan(0);
});

/** Chats about pictures of their own, as bodies, and the gateway's only vision encoder. */
const setUpPictures = async (label: string) => {
  const [vision] = watched.cluster.visionEncoders;
  if (!vision) throw new Error('There is a vision encoder.');
  const chats = await knownChats(GOLDENS_DIRECTORY, 2, label);
  return { vision, bodies: chats.map(({ messages }) => ({ model: 'qwen-vl-nano-chat', messages })) };
};

it('drops the picture of a client that leaves while it waits to be encoded', async () => {
  const { cluster } = watched;
  const queue = redisOf(cluster.queue);
  const prefix = '{one-at-a-time}';
  const gateway = await startGateway(cluster, {
    EIDETIC_QUEUE_PREFIX: prefix,
    EIDETIC_ENCODE_BATCH: '1',
    EIDETIC_ENCODES_IN_FLIGHT: '1',
  });
  const { vision, bodies } = await setUpPictures('leaving');
  const [first, second = {}] = bodies;
  const before = await encodesOf(cluster);
  const taken = (): Promise<number> => queue.llen(`${prefix}:encode:active`);

  vision.pause();
  const answer = post(gateway.http, first);
  await expect.poll(taken, SOON).toBe(1);
  const leaving = new AbortController();
  const abandoned = post(gateway.http, second, { signal: leaving.signal });
  await expect.poll(taken, SOON).toBe(2);
  leaving.abort();
  await expect(abandoned).rejects.toThrow();
  const waiting = (): Promise<number> => sumOf([gateway], 'eidetic_chat_requests_running');
  await expect.poll(waiting, SOON).toBe(1);
  vision.resume();

  expect((await answer).status).toBe(200);
  await expect.poll(taken, SOON).toBe(0);
  expect((await encodesOf(cluster)) - before).toBe(1);
  expect((await complete(gateway.http, second)).eidetic.images).toMatchObject([{ cached: false }]);
});

it('has the vision encoder leave the pictures behind that nobody waits for any more', async () => {
  const { cluster } = watched;
  const { visionEncoders } = cluster;
  const gateway = await startGateway(cluster, { EIDETIC_QUEUE_PREFIX: '{leaving}', EIDETIC_ENCODES_IN_FLIGHT: '16' });
  const chats = await knownChats(GOLDENS_DIRECTORY, 100, 'nobody waits');
  const cancelled = () => sumOf(visionEncoders, 'eidetic_grpc_calls_total', 'Encode",outcome="cancelled"');
  const before = { encodes: await encodesOf(cluster), cancelled: await cancelled() };
  const leaving = new AbortController();
  const asked = chats.map(({ messages }) =>
    post(gateway.http, { model: 'qwen-vl-nano-chat', messages }, { signal: leaving.signal }),
  );
  await expect.poll(() => encodesOf(cluster), SOON).toBeGreaterThan(before.encodes);
  leaving.abort();
  await Promise.allSettled(asked);
  await expect.poll(cancelled, SOON).toBeGreaterThan(before.cancelled);
  await expect.poll(() => sumOf(visionEncoders, 'eidetic_vision_images_waiting'), SOON).toBe(0);
  expect((await encodesOf(cluster)) - before.encodes).toBeLessThan(chats.length);
  expect(watched.troubles()).toEqual([]);
});

it('answers 504 at the deadline when the vision encoder stands still, and goes on when it is back', async () => {
  const { cluster } = watched;
  const gateway = await startGateway(cluster, { EIDETIC_REQUEST_DEADLINE: '1500ms' });
  const { vision, bodies } = await setUpPictures('late');
  const [first = {}, second = {}] = bodies;
  vision.pause();
  const response = await post(gateway.http, first);
  vision.resume();
  expect(response.status).toBe(504);
  expect(((await response.json()) as Failure).error).toMatchObject({ code: 'deadline_exceeded' });
  await expect.poll(async () => (await post(gateway.http, second)).status, SOON).toBe(200);
});
