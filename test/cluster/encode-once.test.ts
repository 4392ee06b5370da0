import { askChat, knownChats } from '@eidetic/chaos';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodesOf, startCluster, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { countWrites, redisOf } from '../support/redis-client.ts';

const PICTURES = 20;
const REQUESTS = 200;
const SOON = { timeout: 60_000, interval: 20 };

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({
    // The shortest, so that the pictures of a gateway that died are taken over soon.
    gatewaySettings: { EIDETIC_SHARED_POOL: 'true', EIDETIC_ENCODE_LOCK: '1s' },
    decoderSettings: { EIDETIC_MAX_WAITING: '256' },
  });
});

afterAll(() => watched[Symbol.asyncDispose]());

/** Asks every chat again and again at the same time, half of it at each gateway first. */
const askAll = async (label: string) => {
  const chats = await knownChats(GOLDENS_DIRECTORY, PICTURES, label);
  const [first = '', second = ''] = watched.cluster.gateways.map(({ http }) => http);
  const asked = Array.from({ length: REQUESTS / PICTURES }, (_, i) => {
    const gateways = i % 2 === 0 ? [first, second] : [second, first];
    return chats.map((chat) => askChat(chat, { gateways, model: 'qwen-vl-nano-chat', stream: false }));
  });
  return Promise.all(asked.flat());
};

it('encodes each picture once, however many requests ask for it at both gateways at the same time', async () => {
  const { cluster, troubles } = watched;
  const before = await encodesOf(cluster);
  const answers = await askAll('together');
  expect(answers).toHaveLength(REQUESTS);
  expect(answers.filter(({ outcome, moves }) => outcome !== 'right' || moves > 0)).toEqual([]);
  expect((await encodesOf(cluster)) - before).toBe(PICTURES);
  expect(troubles()).toEqual([]);
});

it('answers all and encodes none a third time when the gateway is killed that has taken all pictures', async () => {
  const { cluster, troubles } = watched;
  const [taker, other] = cluster.gateways;
  if (!taker || !other) throw new Error('There are two gateways.');
  const before = await encodesOf(cluster);
  const writes = await countWrites(cluster.cache, /:embedding:/);
  const queue = redisOf(cluster.queue);
  // It takes no pictures now, nor do its requests get anywhere.
  other.pause();
  const asking = askAll('half-way');
  await expect.poll(() => encodesOf(cluster), SOON).toBeGreaterThanOrEqual(before + 3);
  const taken = await queue.llen('{eidetic}:encode:active');
  await taker.kill();
  other.resume();
  expect(taken).toBeGreaterThan(0);
  const answers = await asking;
  expect(answers.filter(({ outcome }) => outcome !== 'right')).toEqual([]);
  expect(answers.filter(({ moves }) => moves > 0).length).toBeGreaterThan(0);
  const encodes = (await encodesOf(cluster)) - before;
  expect(encodes).toBeGreaterThanOrEqual(PICTURES);
  expect(encodes).toBeLessThanOrEqual(2 * PICTURES);
  expect([...writes.keys()]).toHaveLength(PICTURES);
  expect(Math.max(...writes.values())).toBeLessThanOrEqual(2);
  await taker.restart();
  expect(troubles()).toEqual([]);
});
