import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { complete, type Failure, post, wireMessages } from '../support/chat-client.ts';
import { type GoldenCase, goldens, imagesOf } from '../support/goldens.ts';
import { PictureServer } from '../support/picture-server.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

let pictures: PictureServer;
let server: StandaloneServer;

beforeAll(async () => {
  pictures = await PictureServer.start();
  server = await StandaloneServer.start(pictures.settings);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await pictures[Symbol.asyncDispose]();
});
beforeEach(() => {
  pictures.asked.length = 0;
});

const byUrl = (url: string) => ({ type: 'image_url', image_url: { url } });
const question = (url: string) => ({
  messages: [{ role: 'user', content: [byUrl(url), { type: 'text', text: 'What is this?' }] }],
});

/** The dialog of a golden case, each picture by what `urlOf` says. */
const dialog = (golden: GoldenCase, urlOf: (image: string, index: number) => string) => {
  const images = imagesOf(golden).values();
  let index = 0;
  return wireMessages(golden).map(({ role, content }) => ({
    role,
    content: Array.isArray(content)
      ? content.map((part) => (part.type === 'image_url' ? byUrl(urlOf(images.next().value ?? '', index++)) : part))
      : content,
  }));
};

const metric = async (line: string): Promise<number> => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')[1],
  );
};

it('answers about pictures behind URLs as about those that are sent, and in later turns by their ids without fetching again', async () => {
  for (const name of ['17-ground-en', '23-album-zh']) {
    const golden = goldens.cases.find((each) => each.name === name);
    if (golden === undefined) throw new Error(`${name} is missing`);
    pictures.asked.length = 0;
    const first = await complete(server.url, { messages: dialog(golden, (image) => `${pictures.origin}/${image}`) });
    expect(first.choices[0]?.message.content).toBe(golden.output_text);
    expect(pictures.asked.toSorted()).toEqual([...new Set(imagesOf(golden))].map((image) => `/${image}`).toSorted());
    const { images } = first.eidetic;
    expect(images.map(({ cached }) => cached)).toEqual(images.map(() => false));

    pictures.asked.length = 0;
    const later = [
      ...dialog(golden, (_, index) => `eidetic://sha256/${images[index]?.id}`),
      { role: 'assistant', content: golden.output_text },
      { role: 'user', content: 'What color is the background?' },
    ];
    const second = await complete(server.url, { messages: later });
    expect(second.eidetic.images).toEqual(images.map((image) => ({ ...image, cached: true })));
    expect(pictures.asked).toEqual([]);
  }
  expect(await metric('eidetic_image_resolve_seconds_count{stage="fetch"}')).toBe(
    await metric('eidetic_image_fetches_total{outcome="fetched"}'),
  );
});

it.each([
  [
    'at an address that is not public',
    () => 'http://127.0.0.2/cat.png',
    400,
    'unsupported_image_source',
    /127\.0\.0\.2 is not at a public address/,
  ],
  [
    'at the metadata service',
    () => 'http://169.254.169.254/latest/',
    400,
    'unsupported_image_source',
    /not at a public/,
  ],
  [
    'that leads inside',
    () => `${pictures.origin}/inside`,
    400,
    'unsupported_image_source',
    /127\.0\.0\.2 is not at a public/,
  ],
  ['with a password', () => 'https://me:secret@example.com/', 400, 'unsupported_image_source', /without user name/],
  ['that is no URL', () => 'http://', 400, 'unsupported_image_source', /not valid/],
  ['that is not there', () => `${pictures.origin}/gone.png`, 400, 'image_unreachable', /status 404/],
  [
    'that is too large once it is decoded',
    () => `${pictures.origin}/bomb.png`,
    413,
    'image_too_large',
    /3600000000 pixels/,
  ],
])('refuses a picture %s, and names it', async (_, url, status, code, message) => {
  const response = await post(server.url, { model: 'qwen-vl-nano-chat', ...question(url()) });
  const { error } = (await response.json()) as Failure;
  expect([response.status, error.code, error.param]).toEqual([status, code, 'messages[0].content[0].image_url.url']);
  expect(error.message).toMatch(message);
  expect(JSON.stringify(error)).not.toContain('secret');
});

it('fetches nothing when it is switched off', async () => {
  await using off = await StandaloneServer.start({ ...pictures.settings, EIDETIC_IMAGE_URLS: 'false' });
  const response = await post(off.url, {
    model: 'qwen-vl-nano-chat',
    ...question(`${pictures.origin}/images/17-ground-1.png`),
  });
  expect(await response.json()).toMatchObject({
    error: { code: 'unsupported_image_source', message: expect.stringContaining('fetches no pictures from URLs') },
  });
  expect(pictures.asked).toEqual([]);
});
