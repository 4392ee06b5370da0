import { askChat, knownChats } from '@eidetic/chaos';
import type { ServiceProcess } from '@eidetic/launcher';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { complete, type Failure, post } from '../support/chat-client.ts';
import { startCluster, startGateway, sumOf, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';

const SOON = { timeout: 30_000, interval: 20 };
const QUESTION = { messages: [{ role: 'user', content: 'Who are you?' }], temperature: 0 };
const model = 'qwen-vl-nano-chat';

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({ gateways: 1, visionEncoders: 1, decoders: 1 });
});

afterAll(() => watched[Symbol.asyncDispose]());

const waitingAt = (gateway: ServiceProcess): Promise<number> => sumOf([gateway], 'eidetic_encode_queue_waiting_jobs');

it('starts and answers without a vision encoder, and has pictures wait in the queue until there is one', async () => {
  const { cluster } = watched;
  await Promise.all(cluster.visionEncoders.map((vision) => vision.kill()));
  const gateway = await startGateway(cluster, {});
  expect((await fetch(`${gateway.http}/readyz`)).status).toBe(200);
  const known = await complete(cluster.gateways[0]?.http ?? '', QUESTION);
  expect((await complete(gateway.http, QUESTION)).choices).toEqual(known.choices);

  const chats = await knownChats(GOLDENS_DIRECTORY, 3, 'early');
  const asked = Promise.all(chats.map((chat) => askChat(chat, { gateways: [gateway.http], model, stream: true })));
  await expect.poll(() => waitingAt(gateway), SOON).toBe(chats.length);
  await Promise.all(cluster.visionEncoders.map((vision) => vision.restart()));
  expect((await asked).map(({ outcome }) => outcome)).toEqual(chats.map(() => 'right'));
  expect(watched.troubles()).toEqual([]);
});

it('says that there is no vision encoder when a picture has waited long enough, and leaves nothing in the queue', async () => {
  const { cluster } = watched;
  await Promise.all(cluster.visionEncoders.map((vision) => vision.kill()));
  const gateway = await startGateway(cluster, { EIDETIC_VISION_PATIENCE: '100ms' });
  const [chat] = await knownChats(GOLDENS_DIRECTORY, 1, 'never');
  const refused = await post(gateway.http, { model, messages: chat?.messages ?? [] });
  const { error } = (await refused.json()) as Failure;
  expect(refused.status).toBe(503);
  expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('No vision encoder') });
  await expect.poll(() => waitingAt(gateway), SOON).toBe(0);
  expect(watched.troubles()).toEqual([]);
});
