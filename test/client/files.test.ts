import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type EideticClient } from '@eidetic/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

let server: StandaloneServer;
let client: EideticClient;

beforeAll(async () => {
  server = await StandaloneServer.start({ EIDETIC_FILES_PER_TENANT: '3' });
  client = createClient({ baseUrl: server.url });
});
afterAll(() => server[Symbol.asyncDispose]());

const picture = new Uint8Array(readFileSync(join(GOLDENS_DIRECTORY, 'images/17-ground-1.png')));

it('uploads a picture, asks about it by its id, reads it back and deletes it', async () => {
  const file = await client.files.upload({ file: picture, filename: 'train.png', purpose: 'vision' });
  expect(file).toMatchObject({ filename: 'train.png', bytes: picture.length, eidetic: { width: 224, height: 224 } });
  const dialog = client.dialog();
  const { grounding, images } = await dialog.ask('Draw a box around the steam train.', { images: [file.id] });
  expect(grounding).toMatchObject([{ text: 'the steam train' }]);
  expect(images).toMatchObject([{ id: file.eidetic?.image_id }]);
  expect((await dialog.ask('What is this?')).images).toMatchObject([{ cached: true }]);
  expect(await client.files.content(file.id)).toEqual(picture);
  await client.files.delete(file.id);
  await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
});

it('lists files by purpose, and says when there is no room for more', async () => {
  const expiring = { file: '{}\n', purpose: 'user_data', expiresAfterSeconds: 3600 } as const;
  const { id, created_at, expires_at } = await client.files.upload(expiring);
  expect(expires_at).toBe(created_at + 3600);
  const others = [await client.files.upload({ file: picture, purpose: 'vision' })];
  others.push(await client.files.upload({ file: picture, purpose: 'vision' }));
  expect((await Array.fromAsync(client.files.list())).length).toBe(3);
  expect(await Array.fromAsync(client.files.list({ purpose: 'user_data' }))).toMatchObject([{ id }]);
  await expect(client.files.upload(expiring)).rejects.toMatchObject({ status: 403, code: 'quota_exceeded' });
});
