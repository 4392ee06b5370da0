import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unseenPicture } from '@eidetic/chaos';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Completion, type Failure, imagePart, post } from '../support/chat-client.ts';
import { encodesOf, startCluster, startGateway, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { PictureServer } from '../support/picture-server.ts';

const PATH = join(GOLDENS_DIRECTORY, 'images/00-name-1.png');
const PICTURE = readFileSync(PATH);

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({ gateways: 1, visionEncoders: 1, decoders: 1 });
});

afterAll(() => watched[Symbol.asyncDispose]());

/** Asks with a key of one's own, or without. */
const ask = (url: string, key: string | undefined, image: object): Promise<Response> => {
  const content = [image, { type: 'text', text: 'What is shown in this picture?' }];
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  const body = { model: 'qwen-vl-nano-chat', messages: [{ role: 'user', content }], max_tokens: 8 };
  return post(url, body, { headers });
};
const imageOf = async (response: Response) => {
  expect(response.status).toBe(200);
  return ((await response.json()) as Completion).eidetic.images[0];
};
const reference = (id: string) => ({ type: 'image_url', image_url: { url: `eidetic://sha256/${id}` } });

it("finds a tenant's picture for that tenant alone, and encodes it for each", async () => {
  const { cluster } = watched;
  const url = cluster.gateways[0]?.http ?? '';
  const before = await encodesOf(cluster);
  const encodes = async (): Promise<number> => (await encodesOf(cluster)) - before;
  const id = hash('sha256', PICTURE, 'hex');
  expect(await imageOf(await ask(url, 'a', imagePart(PICTURE)))).toMatchObject({ id, cached: false });
  expect(await imageOf(await ask(url, 'a', reference(id)))).toMatchObject({ id, cached: true });
  for (const other of ['b', undefined]) {
    const refused = await ask(url, other, reference(id));
    expect([refused.status, ((await refused.json()) as Failure).error]).toMatchObject([
      400,
      { type: 'invalid_request_error', code: 'unsupported_image_source' },
    ]);
  }
  expect(await encodes()).toBe(1);
  expect(await imageOf(await ask(url, 'b', imagePart(PICTURE)))).toMatchObject({ id, cached: false });
  expect(await encodes()).toBe(2);
  expect(await imageOf(await ask(url, 'b', reference(id)))).toMatchObject({ id, cached: true });
  expect(await encodes()).toBe(2);
});

it('shares pictures between tenants where the operator says so', async () => {
  const { cluster } = watched;
  const gateway = await startGateway(cluster, { EIDETIC_SHARED_POOL: 'true' });
  const before = await encodesOf(cluster);
  const first = await imageOf(await ask(gateway.http, 'a', imagePart(PICTURE)));
  expect(first).toMatchObject({ cached: false });
  expect(await imageOf(await ask(gateway.http, 'b', reference(first?.id ?? '')))).toMatchObject({ cached: true });
  expect(await imageOf(await ask(gateway.http, 'c', imagePart(PICTURE)))).toMatchObject({ cached: true });
  expect((await encodesOf(cluster)) - before).toBe(1);
});

it('fetches a picture behind a URL for a tenant, who then has it as one that was sent', async () => {
  await using pictures = await PictureServer.start();
  const gateway = await startGateway(watched.cluster, pictures.settings);
  const image = { type: 'image_url', image_url: { url: `${pictures.origin}/images/01-name-1.png` } };
  const { id = '' } = (await imageOf(await ask(gateway.http, 'fetcher', image))) ?? {};
  expect(pictures.asked).toEqual(['/images/01-name-1.png']);
  expect(await imageOf(await ask(gateway.http, 'fetcher', reference(id)))).toMatchObject({ id, cached: true });
  // At the other gateway, too.
  const url = watched.cluster.gateways[0]?.http ?? '';
  expect(await imageOf(await ask(url, 'fetcher', reference(id)))).toMatchObject({ id, cached: true });
  expect((await ask(url, 'stranger', reference(id))).status).toBe(400);
  expect(pictures.asked).toHaveLength(1);
});

it('names a picture by its bytes: other bytes are another picture', async () => {
  const { cluster } = watched;
  const url = cluster.gateways[0]?.http ?? '';
  const other = await unseenPicture(PATH, 'other');
  const first = await imageOf(await ask(url, 'a', imagePart(PICTURE)));
  expect(await imageOf(await ask(url, 'a', imagePart(other)))).toMatchObject({
    id: hash('sha256', other, 'hex'),
    cached: false,
  });
  expect(first?.id).toBe(hash('sha256', PICTURE, 'hex'));
  expect(watched.troubles()).toEqual([]);
});
