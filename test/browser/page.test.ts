import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';
import { answerWith, ScriptedServer, type SentRequest, sendDelta, sendError, startEvents } from './scripted-server.ts';

const pathOf = (name: string) => fileURLToPath(new URL(`../data/goldens/images/${name}`, import.meta.url));
const PICTURE = pathOf('08-exist-1.png');
const OTHER_PICTURE = pathOf('wide.png');
const imageOf = (digit: string, cached = false) => ({ id: digit.repeat(64), width: 224, height: 224, cached });
const groundingOf = (text: string, imageIndex = 0) => ({ text, box: { x1: 56, y1: 28, x2: 112, y2: 84 }, imageIndex });

const urlsOf = (request: SentRequest | undefined) =>
  (request?.messages ?? [])
    .flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .flatMap(({ image_url }) => (image_url ? [image_url.url.slice(0, 24)] : []));

const resources = new AsyncDisposableStack();
let browser: Browser;
let server: ScriptedServer;
let url: string;
let page: Page;
let complaints: string[];

async function open(options: BrowserContextOptions = {}): Promise<void> {
  page = await browser.newPage({ locale: 'en-US', ...options });
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // Chromium reports failed requests, which some tests are about.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load')) complaints.push(message.text());
  });
  await page.goto(url);
  await page.locator('#model').getByText('qwen-vl-nano-chat').waitFor();
}

async function ask(question: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your question' }).fill(question);
  await page.keyboard.press('Enter');
}

const done = (count = 1) =>
  page
    .locator('.answer.done')
    .nth(count - 1)
    .waitFor();

beforeAll(async () => {
  browser = resources.use(await launchChromium());
});
beforeEach(async () => {
  server = new ScriptedServer();
  url = await server.start();
  await open();
});
afterEach(async () => {
  await page.close();
  await server[Symbol.asyncDispose]();
  expect(complaints).toEqual([]);
});
afterAll(() => resources.disposeAsync());

describe('pictures', () => {
  it('takes pictures by drop, by paste and by choice, and sends them in that order', async () => {
    await dropPictures(page, [PICTURE]);
    await page.getByRole('button', { name: 'Show picture 1 (not sent yet)' }).waitFor();
    await dropPictures(page, [OTHER_PICTURE], 'paste');
    await page.getByRole('button', { name: 'Show picture 2 (not sent yet)' }).waitFor();
    const chooser = page.waitForEvent('filechooser');
    await page.locator('#add').click();
    await (await chooser).setFiles([PICTURE]);
    await page.getByRole('button', { name: 'Show picture 3 (not sent yet)' }).waitFor();
    await page.getByRole('button', { name: 'Remove picture 1' }).click();
    server.script(answerWith('Yes.'));
    await ask('Well?');
    await done();
    expect(urlsOf(server.requests[0])).toEqual(['data:image/png;base64,iV', 'data:image/png;base64,iV']);
    expect(await page.getByRole('button', { name: 'Show picture 2', exact: true }).count()).toBe(2);
  });

  it('says so when a file is not a picture', async () => {
    await dropPictures(page, [fileURLToPath(import.meta.url)]);
    await page.getByRole('alert').getByText('“page.test.ts” cannot be read as a picture.').waitFor();
  });

  it('refers to a picture that the server has seen, and sends it again if the server has forgotten it', async () => {
    await dropPictures(page, [PICTURE]);
    server.script(
      answerWith('One.', { images: [imageOf('a')] }),
      (response) => sendError(response, 400, 'unsupported_image_source', 'Picture aaaa… is not known.'),
      answerWith('Two.', { images: [imageOf('a', true)] }),
    );
    await ask('First?');
    await done(1);
    await page.getByText('picture encoded').waitFor();
    await ask('Second?');
    await done(2);
    await page.getByText('picture remembered').waitFor();
    expect(server.requests.map(urlsOf)).toEqual([
      ['data:image/png;base64,iV'],
      ['eidetic://sha256/aaaaaaa'],
      ['data:image/png;base64,iV'],
    ]);
    expect(await page.locator('.error').count()).toBe(0);
  });

  it('starts with an example picture and one of its questions', async () => {
    await page.getByRole('button', { name: 'Bees' }).click();
    server.script(answerWith('There are 5 bees.'));
    await page.getByRole('button', { name: 'How many bees are there?' }).click();
    await page.getByText('There are 5 bees.').first().waitFor();
    expect(await page.getByRole('button', { name: 'How many bees are there?' }).count()).toBe(0);
  });
});

describe('answers', () => {
  it('shows the text as it comes and never a tag', async () => {
    await page.evaluate(`
      window.shown = [];
      new MutationObserver(() => window.shown.push(document.querySelector('.words')?.textContent ?? ''))
        .observe(document.getElementById('transcript'), { subtree: true, childList: true, characterData: true });
    `);
    await dropPictures(page, [PICTURE]);
    const raw = 'Here is <ref>a pudding</ref><box>(250,125),(500,375)</box>.';
    server.script(answerWith(raw, { images: [imageOf('a')], grounding: [groundingOf('a pudding')] }));
    await ask('Where is it?');
    await done();
    const shown = (await page.evaluate('window.shown')) as string[];
    expect(new Set(shown).size).toBeGreaterThan(10);
    expect(shown.filter((text) => !'Here is a pudding.'.startsWith(text))).toEqual([]);
    expect(shown.at(-1)).toBe('Here is a pudding.');
    expect(await page.getByRole('status').textContent()).toBe('Here is a pudding.');
  });

  it('links words and boxes by hover and by focus', async () => {
    await dropPictures(page, [PICTURE, OTHER_PICTURE]);
    const raw = '<ref>a pudding</ref><box>(1,1),(2,2)</box> and <ref>a ship</ref><box>(1,1),(2,2)</box>';
    const grounding = [groundingOf('a pudding', 0), groundingOf('a ship', 1)];
    server.script(answerWith(raw, { images: [imageOf('a'), { ...imageOf('b'), width: 420, height: 200 }], grounding }));
    await ask('Detect all objects.');
    await done();
    await page.getByRole('button', { name: 'a pudding' }).hover();
    expect(await page.locator('.mark.set-off').count()).toBe(1);
    expect(await page.locator('.label.set-off').textContent()).toBe('a pudding');
    await page.getByRole('button', { name: 'a ship' }).focus();
    expect(await page.locator('.label.set-off').textContent()).toBe('a ship');
    expect(
      await page.getByRole('button', { name: 'Show picture 2', exact: true }).first().getAttribute('aria-current'),
    ).toBe('true');
    await page.locator('.mark').hover();
    expect(await page.locator('.reference.set-off').textContent()).toBe('a ship');
  });

  it('reports time to first token, speed and what was reused', async () => {
    await dropPictures(page, [PICTURE, OTHER_PICTURE]);
    server.script(answerWith('Yes.', { images: [imageOf('a', true), imageOf('b')] }));
    await ask('Well?');
    await done();
    expect(await page.locator('.facts li').allTextContents()).toEqual([
      '50 ms to first token',
      '200 tokens/s',
      '1 of 2 pictures remembered',
      '64 of 90 prompt tokens reused',
    ]);
  });

  it('shows what the model writes as text, whatever it looks like', async () => {
    const hostile = '<img src=x onerror="document.title=1"><script>alert(1)</script> 1 < 2';
    server.script(answerWith(hostile));
    await ask(hostile);
    await done();
    expect(await page.locator('.words').textContent()).toBe(hostile);
    expect(await page.locator('.question p').textContent()).toBe(hostile);
  });

  it('stops an answer, tells the server, and goes on from what was said', async () => {
    const left = Promise.withResolvers<void>();
    server.script(async (response) => {
      startEvents(response);
      sendDelta(response, { content: 'Once upon' });
      await once(response, 'close');
      left.resolve();
    }, answerWith('Fine.'));
    await ask('Tell a story.');
    await page.getByText('Once upon').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await left.promise;
    await page.locator('.facts').getByText('stopped').waitFor();
    await ask('Go on.');
    await done();
    expect(server.requests[1]?.messages.map(({ role, content }) => [role, typeof content])).toEqual([
      ['user', 'object'],
      ['assistant', 'string'],
      ['user', 'object'],
    ]);
    expect(server.requests[1]?.messages[1]?.content).toBe('Once upon');
  });

  it('begins anew while an answer is on its way', async () => {
    server.script((response) => {
      startEvents(response);
      sendDelta(response, { content: 'Once upon' });
    });
    await ask('Tell a story.');
    await page.getByText('Once upon').waitFor();
    await page.getByRole('button', { name: 'New dialog' }).click();
    await page.getByRole('heading', { name: 'Show it a picture.' }).waitFor();
    expect(await page.locator('.exchange').count()).toBe(0);
  });
});

describe('failures', () => {
  it('shows what the server says, and asks again on demand', async () => {
    server.script(
      (response) => sendError(response, 429, 'overloaded', 'The queue is full; try again in a second.'),
      answerWith('Hello!'),
    );
    await ask('Hello');
    await page.getByText('The server could not answer: The queue is full; try again in a second.').first().waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await done();
    expect(await page.locator('.error').count()).toBe(0);
    expect(server.requests[1]).toEqual(server.requests[0]);
  });

  it('keeps what was said when the answer fails on the way', async () => {
    server.script((response) => {
      startEvents(response);
      sendDelta(response, { content: 'It is' });
      response.end(
        `event: error\ndata: ${JSON.stringify({ error: { code: 'unavailable', message: 'Draining.' } })}\n\n`,
      );
    });
    await ask('What is it?');
    await page.getByText('The server could not answer: Draining.').first().waitFor();
    expect(await page.locator('.words').textContent()).toBe('It is');
  });

  it('tells a broken connection from a complete answer', async () => {
    const cut = Promise.withResolvers<void>();
    server.script(async (response) => {
      startEvents(response);
      sendDelta(response, { content: 'It was' });
      await cut.promise;
      response.destroy();
    });
    await ask('What is it?');
    await page.getByText('It was').waitFor();
    cut.resolve();
    await page.getByText('The connection broke before the answer was complete.').first().waitFor();
    expect(await page.locator('.words').textContent()).toBe('It was');
  });
});

describe('languages', () => {
  it('speaks the language of the browser until told otherwise, and remembers that', async () => {
    await page.close();
    await open({ locale: 'zh-CN' });
    await page.getByRole('heading', { name: '给它一张图，问问东西在哪里。' }).waitFor();
    await page.getByText('它不认识照片').waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Show it a picture.' }).waitFor();
    await page.reload();
    await page.getByText('It does not know photographs').waitFor();
  });
});
