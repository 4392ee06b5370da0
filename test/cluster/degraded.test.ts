import { askChat, type KnownChat, knownChats } from '@eidetic/chaos';
import { freePorts } from '@eidetic/launcher';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Completion, complete, type Failure, post } from '../support/chat-client.ts';
import { encodesOf, startCluster, sumOf, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { redisOf } from '../support/redis-client.ts';

const SOON = { timeout: 30_000, interval: 20 };
const model = 'qwen-vl-nano-chat';

const urlsOf = ({ cluster }: WatchedCluster): readonly string[] => cluster.gateways.map(({ http }) => http);
const askAll = (chats: readonly KnownChat[], gateways: readonly string[]) =>
  Promise.all(chats.map((chat, i) => askChat(chat, { gateways, model, stream: i % 2 === 0 })));
const notRight = (asked: Awaited<ReturnType<typeof askAll>>) => asked.filter(({ outcome }) => outcome !== 'right');

describe('without the Redis of the caches from the start', () => {
  it('answers, and knows pictures again where they were sent', async () => {
    const [nobody] = await freePorts(1);
    await using watched = await startCluster({
      gateways: 1,
      settings: { EIDETIC_CACHE_REDIS_URL: `redis://127.0.0.1:${nobody}` },
    });
    const chats = await knownChats(GOLDENS_DIRECTORY, 8, 'no cache');
    expect(notRight(await askAll(chats, urlsOf(watched)))).toEqual([]);
    const before = await encodesOf(watched.cluster);
    expect(before).toBeGreaterThanOrEqual(chats.length);
    expect(notRight(await askAll(chats, urlsOf(watched)))).toEqual([]);
    expect(await encodesOf(watched.cluster)).toBe(before);
    expect(watched.troubles()).toEqual([]);
  });
});

describe('in a cluster that loses a Redis', () => {
  let watched: WatchedCluster;

  beforeAll(async () => {
    watched = await startCluster();
  });

  afterAll(() => watched[Symbol.asyncDispose]());

  it('encodes past the queue while that is down, what waits in it already as well, and by the queue when it is back', async () => {
    const { cluster, troubles } = watched;
    const [queued, late, afterwards] = await Promise.all(
      ['queued', 'late', 'afterwards'].map((label) => knownChats(GOLDENS_DIRECTORY, 2, label)),
    );
    const queue = redisOf(cluster.queue);
    for (const vision of cluster.visionEncoders) vision.pause();
    const asked = askAll(queued ?? [], urlsOf(watched));
    await expect.poll(() => queue.llen('{eidetic}:encode:active'), SOON).toBe(2);
    queue.disconnect();
    await cluster.queue.kill();
    for (const vision of cluster.visionEncoders) vision.resume();
    expect(notRight(await asked)).toEqual([]);
    expect(notRight(await askAll(late ?? [], urlsOf(watched)))).toEqual([]);

    await cluster.queue.restart();
    for (const gateway of cluster.gateways) {
      const answered = (): Promise<number> => sumOf([gateway], 'eidetic_encode_queue_answered_total', 'outcome="ok"');
      const last = await answered();
      const askOne = async (): Promise<number> => {
        expect(
          notRight(await askAll(await knownChats(GOLDENS_DIRECTORY, 1, `${performance.now()}`), [gateway.http])),
        ).toEqual([]);
        return answered();
      };
      await expect.poll(askOne, SOON).toBeGreaterThan(last);
    }
    const before = await encodesOf(cluster);
    const [first = '', second = ''] = urlsOf(watched);
    const both = await Promise.all(
      [
        [first, second],
        [second, first],
      ].map((urls) => askAll(afterwards ?? [], urls)),
    );
    expect(notRight(both.flat())).toEqual([]);
    expect((await encodesOf(cluster)) - before).toBe(2);
    expect(troubles()).toEqual([]);
  });

  it('lets pictures wait for vision encoders when all of them are away', async () => {
    const { cluster, troubles } = watched;
    await Promise.all(cluster.visionEncoders.map((vision) => vision.kill()));
    const chats = await knownChats(GOLDENS_DIRECTORY, 2, 'nobody sees');
    const asked = askAll(chats, urlsOf(watched));
    const [first] = cluster.gateways;
    const waiting = () => (first ? sumOf([first], 'eidetic_encode_queue_waiting_jobs') : 0);
    await expect.poll(waiting, SOON).toBe(chats.length);
    await Promise.all(cluster.visionEncoders.map((vision) => vision.restart()));
    expect(notRight(await asked)).toEqual([]);
    expect(troubles()).toEqual([]);
  });

  it('encodes a picture again unasked whose embedding is gone, and asks for one that is gone itself', async () => {
    const { cluster, troubles } = watched;
    const [first = '', second = ''] = urlsOf(watched);
    const cache = redisOf(cluster.cache);
    const [chat] = await knownChats(GOLDENS_DIRECTORY, 1, 'flushed');
    const { eidetic, choices } = await complete(first, { messages: chat?.messages, temperature: 0 });
    const [image] = eidetic.images;
    const nextTurn = (url: string): Promise<Response> => {
      const picture = { type: 'image_url', image_url: { url: `eidetic://sha256/${image?.id}` } };
      const question = [picture, { type: 'text', text: 'What is shown in this picture?' }];
      return post(url, { model, messages: [{ role: 'user', content: question }], temperature: 0 });
    };
    const expected = ((await (await nextTurn(first)).json()) as Completion).choices;
    expect(choices).toHaveLength(1);

    await expect.poll(() => cache.keys('eidetic:embedding:*'), SOON).not.toEqual([]);
    await cache.del(...(await cache.keys('eidetic:embedding:*')));
    const again = await nextTurn(second);
    expect([again.status, ((await again.json()) as Completion).choices]).toEqual([200, expected]);

    await Promise.all([...cluster.gateways, ...cluster.visionEncoders].map((service) => service.restart()));
    await cache.flushall();
    const refused = await nextTurn(second);
    expect([refused.status, ((await refused.json()) as Failure).error]).toMatchObject([
      400,
      { code: 'unsupported_image_source', message: expect.stringContaining('Send the picture') },
    ]);
    expect(troubles()).toEqual([]);
  });
});
