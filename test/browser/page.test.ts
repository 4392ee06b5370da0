import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';
import { answered, ask, openPage } from './open-page.ts';
import {
  answerWith,
  type Script,
  ScriptedServer,
  type SentRequest,
  sendDelta,
  sendError,
  startEvents,
} from './scripted-server.ts';

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
let complaints: readonly string[];

async function open(options: BrowserContextOptions = {}): Promise<void> {
  ({ page, complaints } = await openPage(browser, url, options));
}

const pending = (number: number) => page.getByRole('button', { name: `Remove picture ${number}` });

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
    await pending(1).waitFor();
    await dropPictures(page, [OTHER_PICTURE], 'paste');
    await pending(2).waitFor();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Add pictures' }).click();
    await page.getByRole('button', { name: 'Choose files' }).click();
    await (await chooser).setFiles([PICTURE]);
    await pending(3).waitFor();
    await pending(1).click();
    server.script(answerWith('Yes.'));
    await ask(page, 'Well?');
    await answered(page);
    expect(urlsOf(server.requests[0])).toEqual(['data:image/png;base64,iV', 'data:image/png;base64,iV']);
    expect(await page.getByRole('button', { name: 'Show picture 2', exact: true }).count()).toBe(2);
  });

  it('passes a web address on to the server, and draws boxes where the picture cannot be shown', async () => {
    const address = 'http://pictures.invalid/ship.png';
    await page.getByRole('button', { name: 'Add pictures' }).click();
    await page.getByRole('textbox', { name: 'Address of the picture' }).fill('ship.png');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('This is no address that begins with').waitFor();
    await page.getByRole('textbox', { name: 'Address of the picture' }).fill(address);
    await page.keyboard.press('Enter');
    await page.getByText('pictures.invalid', { exact: true }).waitFor();
    const raw = '<ref>a ship</ref><box>(1,1),(2,2)</box>';
    server.script(answerWith(raw, { images: [imageOf('a')], grounding: [groundingOf('a ship')] }));
    await ask(page, 'Where?');
    await answered(page);
    expect(urlsOf(server.requests[0])).toEqual([address.slice(0, 24)]);
    expect(await page.locator('.mark').count()).toBe(1);
    expect(complaints.filter((text) => text.includes('pictures.invalid')).length).toBeGreaterThan(0);
    complaints = complaints.filter((text) => !text.includes('pictures.invalid'));
  });

  it('shows a picture from an address that allows it', async () => {
    await page.route('https://pictures.invalid/**', (route) => route.fulfill({ path: PICTURE }));
    await page.getByRole('button', { name: 'Add pictures' }).click();
    await page.getByRole('textbox', { name: 'Address of the picture' }).fill('https://pictures.invalid/a.png');
    await page.keyboard.press('Enter');
    const picture = page.getByRole('img', { name: 'Picture 1, from pictures.invalid' });
    await picture.waitFor();
    await expect.poll(() => page.evaluate('document.querySelector(".picture").naturalWidth')).toBe(224);
  });

  it('offers the camera of a phone', async () => {
    await page.close();
    await open({ hasTouch: true, isMobile: true });
    await page.getByRole('button', { name: 'Add pictures' }).tap();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Take a photo' }).tap();
    expect(await (await chooser).element().getAttribute('capture')).toBe('environment');
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
    await ask(page, 'First?');
    await answered(page);
    await page.getByText('Picture 1 encoded').waitFor();
    await ask(page, 'Second?');
    await answered(page, 2);
    await page.getByText('Picture 1 seen before').waitFor();
    expect(server.requests.map(urlsOf)).toEqual([
      ['data:image/png;base64,iV'],
      ['eidetic://sha256/aaaaaaa'],
      ['data:image/png;base64,iV'],
    ]);
    expect(await page.locator('.failure').count()).toBe(0);
  });

  it('starts with an example picture and one of its questions', async () => {
    await page.getByRole('button', { name: 'Bees', exact: true }).click();
    server.script(answerWith('There are 5 bees.'));
    await page.getByRole('button', { name: 'How many bees are there?' }).click();
    await page.getByText('There are 5 bees.').first().waitFor();
    expect(await page.getByRole('button', { name: 'How many bees are there?' }).count()).toBe(0);
  });

  it('shows an example and asks about it in one go', async () => {
    server.script(answerWith('There are 5 bees.'));
    await page.getByRole('button', { name: 'How many bees are there?' }).click();
    await answered(page);
    expect(urlsOf(server.requests[0])).toEqual(['data:image/png;base64,iV']);
  });

  it('enlarges a picture with its boxes, zooms, and gives the focus back', async () => {
    await dropPictures(page, [PICTURE]);
    const raw = '<ref>a ship</ref><box>(1,1),(2,2)</box>';
    server.script(answerWith(raw, { images: [imageOf('a')], grounding: [groundingOf('a ship')] }));
    await ask(page, 'Where?');
    await answered(page);
    await page.getByRole('button', { name: 'Enlarge picture 1' }).press('Enter');
    const window = page.getByRole('dialog', { name: 'Picture 1' });
    expect(await window.getByRole('button', { name: 'a ship' }).count()).toBe(1);
    const width = async () => (await window.locator('.frame').boundingBox())?.width;
    const before = (await width()) ?? 0;
    await window.getByRole('button', { name: 'Zoom in' }).click();
    await expect.poll(width).toBeGreaterThan(before * 1.4);
    await page.keyboard.press('Escape');
    await window.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Enlarge picture 1');
  });
});

describe('answers', () => {
  it('shows the text as it comes and never a tag', async () => {
    await page.evaluate(`
      window.shown = [];
      new MutationObserver(() => window.shown.push(document.querySelector('.words')?.textContent ?? ''))
        .observe(document.body, { subtree: true, childList: true, characterData: true });
    `);
    await dropPictures(page, [PICTURE]);
    await pending(1).waitFor();
    const raw = 'Here is <ref>a pudding</ref><box>(250,125),(500,375)</box>.';
    server.script(answerWith(raw, { images: [imageOf('a')], grounding: [groundingOf('a pudding')], pauseMs: 5 }));
    await ask(page, 'Where is it?');
    await answered(page);
    const shown = (await page.evaluate('window.shown')) as string[];
    expect(new Set(shown).size).toBeGreaterThan(10);
    expect(shown.filter((text) => !'Here is a pudding.'.startsWith(text))).toEqual([]);
    expect(await page.locator('.words').textContent()).toBe('Here is a pudding.');
    expect(await page.getByRole('status').textContent()).toBe('Here is a pudding.');
  });

  it('tells screen readers of an answer once, not word by word', async () => {
    await page.evaluate(`
      window.said = [];
      new MutationObserver(() => window.said.push(document.querySelector('[role=status]').textContent))
        .observe(document.querySelector('[role=status]'), { subtree: true, childList: true, characterData: true });
    `);
    server.script(answerWith('A rather long answer.', { pauseMs: 5 }));
    await ask(page, 'Well?');
    await answered(page);
    expect(await page.evaluate('window.said')).toEqual(['Thinking', 'A rather long answer.']);
  });

  it('links words and boxes both ways, by hover and by focus', async () => {
    await dropPictures(page, [PICTURE, OTHER_PICTURE]);
    await pending(2).waitFor();
    const raw = '<ref>a pudding</ref><box>(1,1),(2,2)</box> and <ref>a ship</ref><box>(1,1),(2,2)</box>';
    const grounding = [groundingOf('a pudding', 0), groundingOf('a ship', 1)];
    server.script(answerWith(raw, { images: [imageOf('a'), { ...imageOf('b'), width: 420, height: 200 }], grounding }));
    await ask(page, 'Detect all objects.');
    await answered(page);
    const words = page.locator('.words');
    await words.getByRole('button', { name: 'a pudding' }).hover();
    expect(await page.locator('.mark.set-off').count()).toBe(1);
    expect(await page.locator('.label.set-off').textContent()).toBe('a pudding');
    await words.getByRole('button', { name: 'a ship' }).focus();
    expect(await page.locator('.label.set-off').textContent()).toBe('a ship');
    expect(await page.locator('.strip [aria-current=true]').textContent()).toBe('2');
    await page.locator('.mark').hover();
    expect(await page.locator('.reference.set-off').textContent()).toBe('a ship');
    await page.mouse.move(0, 0);
    expect(await page.locator('.reference.set-off').count()).toBe(0);
    await page.locator('.label').focus();
    expect(await page.locator('.reference.set-off').textContent()).toBe('a ship');
  });

  it('tells what was reused of each picture and of the prompt, how fast it was, and why', async () => {
    await dropPictures(page, [PICTURE, OTHER_PICTURE]);
    await pending(2).waitFor();
    server.script(answerWith('Yes.', { images: [imageOf('a', true), imageOf('b')] }));
    await ask(page, 'Well?');
    await answered(page);
    expect((await page.locator('.facts > li').allTextContents()).slice(0, -1)).toEqual([
      'Picture 1 seen before',
      'Picture 2 encoded',
      '64 of 90 prompt tokens reused',
      '50 ms to first token',
      '200 tokens/s',
    ]);
    await page.getByRole('button', { name: 'Why this is fast' }).click();
    await page.getByText('the vision model did not run').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('the vision model did not run').waitFor({ state: 'hidden' });
  });

  it('shows what the model writes as text, whatever it looks like', async () => {
    const hostile = '<img src=x onerror="document.title=1"><script>alert(1)</script> 1 < 2';
    server.script(answerWith(hostile));
    await ask(page, hostile);
    await answered(page);
    expect(await page.locator('.words').textContent()).toBe(hostile);
    expect(await page.locator('.question p').textContent()).toBe(hostile);
  });

  it.each(['the button', 'Escape'])(
    'stops an answer by %s, tells the server, and goes on from what was said',
    async (by) => {
      const left = Promise.withResolvers<void>();
      server.script(async (response) => {
        startEvents(response);
        sendDelta(response, { content: 'Once upon' });
        await once(response, 'close');
        left.resolve();
      }, answerWith('Fine.'));
      await ask(page, 'Tell a story.');
      await page.getByText('Once upon').waitFor();
      if (by === 'Escape') await page.keyboard.press('Escape');
      else await page.getByRole('button', { name: 'Stop' }).click();
      await left.promise;
      await page.locator('.facts').getByText('stopped').waitFor();
      await ask(page, 'Go on.');
      await answered(page);
      expect(server.requests[1]?.messages.map(({ role, content }) => [role, typeof content])).toEqual([
        ['user', 'object'],
        ['assistant', 'string'],
        ['user', 'object'],
      ]);
      expect(server.requests[1]?.messages[1]?.content).toBe('Once upon');
    },
  );

  it('answers again, answers an edited question, and copies the answer', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    server.script(answerWith('One.'), answerWith('Two.'), answerWith('Three.'));
    await ask(page, 'Wat?');
    await answered(page);
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.locator('.words').getByText('Two.').waitFor();
    expect(server.requests[1]).toEqual(server.requests[0]);
    await page.getByRole('button', { name: 'Edit the question' }).click();
    await page.getByRole('textbox', { name: 'Edit the question' }).fill('What?');
    await page.keyboard.press('Enter');
    await page.locator('.words').getByText('Three.').waitFor();
    expect(server.requests[2]?.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'What?' }] }]);
    expect(await page.locator('.turn').count()).toBe(1);
    await page.getByRole('button', { name: 'Copy the answer' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('Three.');
  });

  it('leaves the focus where it goes while a question is edited', async () => {
    server.script(answerWith('One.'), answerWith('Two.'));
    await ask(page, 'Wat?');
    await answered(page);
    await page.getByRole('button', { name: 'Edit the question' }).click();
    await ask(page, 'And now?');
    await answered(page, 2);
    const question = page.getByRole('textbox', { name: 'Your question' });
    expect(await question.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    expect(await page.getByRole('textbox', { name: 'Edit the question' }).count()).toBe(0);
  });

  it('stops an answer by Escape, but not by the one that closes a window', async () => {
    server.script((response) => {
      startEvents(response);
      sendDelta(response, { content: 'Once upon' });
    });
    await ask(page, 'Tell a story.');
    await page.getByText('Once upon').waitFor();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Stop' }).waitFor({ timeout: 2000 });
    await page.keyboard.press('Escape');
    await page.locator('.answer.stopped').waitFor();
  });

  it('begins anew while an answer is on its way', async () => {
    server.script((response) => {
      startEvents(response);
      sendDelta(response, { content: 'Once upon' });
    });
    await ask(page, 'Tell a story.');
    await page.getByText('Once upon').waitFor();
    await page.getByRole('button', { name: 'New dialog' }).click();
    await page.getByRole('heading', { name: 'It looks once' }).waitFor();
    expect(await page.locator('.turn').count()).toBe(0);
  });
});

describe('failures', () => {
  it('waits as long as an overloaded server asks, shows that, and tries again by itself', async () => {
    server.script(
      (response) => sendError(response, 429, 'overloaded', 'The queue is full.', { 'retry-after': '3' }),
      answerWith('Hello!'),
    );
    await ask(page, 'Hello');
    await page.getByText('The server has much to do right now.').first().waitFor();
    await page.getByText(/Trying again in \d s/).waitFor();
    await answered(page);
    expect(await page.locator('.failure').count()).toBe(0);
    expect(server.requests[1]).toEqual(server.requests[0]);
  });

  it('says what goes wrong and what to do, with the words of the server, and asks again on demand', async () => {
    const failures = [
      [413, 'body_too_large', 'This picture is larger than the server takes.'],
      [400, 'invalid_image', 'The server cannot read one of the pictures.'],
      [400, 'image_unreachable', 'The server could not fetch the picture'],
      [503, 'unavailable', 'The server is not ready to answer'],
      [400, 'context_length_exceeded', 'The dialog has become longer'],
      [500, 'internal', 'The server could not answer.'],
    ] as const;
    server.script(
      ...failures.map(
        ([status, code]): Script =>
          (response) =>
            sendError(response, status, code, `That was ${code}.`),
      ),
      answerWith('Hello!'),
    );
    await ask(page, 'Hello');
    for (const [, code, text] of failures) {
      await page.getByText(`That was ${code}.`).waitFor();
      await page.locator('.failure').getByText(text).waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
    }
    await answered(page);
  });

  it('goes on without a picture that the server refuses', async () => {
    server.script(
      (response) => sendError(response, 400, 'image_unreachable', 'No such picture.'),
      answerWith('Hello!'),
    );
    await dropPictures(page, [PICTURE]);
    await pending(1).waitFor();
    await ask(page, 'Hello');
    await page.locator('.failure').waitFor();
    await page.getByRole('button', { name: 'Remove picture 1' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    await answered(page);
    expect(urlsOf(server.requests[1])).toEqual([]);
    expect(await page.getByRole('button', { name: 'Remove picture 1' }).count()).toBe(0);
  });

  it('says why an example picture does not come', async () => {
    await page.route('**/examples/*', (route) => route.abort());
    await page.getByRole('button', { name: 'Bees', exact: true }).click();
    await page.getByRole('alert').getByText('The server cannot be reached').waitFor({ timeout: 5000 });
  });

  it('tells a device without a network from a server that is away', async () => {
    await page.context().setOffline(true);
    await ask(page, 'Hello');
    await page.locator('.failure').getByText('This device is offline.').waitFor();
    await page.context().setOffline(false);
    server.script(answerWith('Hello!'));
    await page.getByRole('button', { name: 'Try again' }).click();
    await answered(page);
  });

  it('keeps what was said when the answer fails on the way', async () => {
    server.script((response) => {
      startEvents(response);
      sendDelta(response, { content: 'It is' });
      response.end(
        `event: error\ndata: ${JSON.stringify({ error: { code: 'unavailable', message: 'Draining.' } })}\n\n`,
      );
    });
    await ask(page, 'What is it?');
    await page.locator('.failure').getByText('Draining.').waitFor();
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
    await ask(page, 'What is it?');
    await page.getByText('It was').waitFor();
    cut.resolve();
    await page.locator('.failure').getByText('The connection broke before the answer was complete.').waitFor();
    expect(await page.locator('.words').textContent()).toBe('It was');
  });

  it('waits for a server that is starting', async () => {
    await page.close();
    server.greeting = (response) => sendError(response, 503, 'unavailable', 'Loading.', { 'retry-after': '1' });
    await open();
    await page.getByRole('alert').getByText('The server is starting').waitFor();
    server.greeting = undefined;
    await page.getByText('qwen-vl-nano-chat', { exact: true }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

describe('keys', () => {
  const refuse = (response: ServerResponse): void =>
    sendError(response, 401, 'invalid_api_key', 'This server wants an API key.');

  it('asks for the key that the server wants, and goes on with the question', async () => {
    server.script(refuse, refuse, answerWith('Welcome.'));
    await ask(page, 'Hello');
    const window = page.getByRole('dialog', { name: 'This server asks for a key' });
    await window.getByLabel('API key').fill('wrong');
    await page.keyboard.press('Enter');
    await window.getByText('The server did not accept this key.').waitFor();
    await window.getByLabel('API key').fill('right');
    await page.keyboard.press('Enter');
    await answered(page);
    expect(server.credentials).toEqual([undefined, 'Bearer wrong', 'Bearer right']);
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('right');
  });

  it('asks at once where nothing can be seen without a key', async () => {
    await page.close();
    server.greeting = refuse;
    await open();
    await page.getByRole('dialog', { name: 'This server asks for a key' }).getByLabel('API key').fill('right');
    server.greeting = undefined;
    await page.keyboard.press('Enter');
    await page.getByText('qwen-vl-nano-chat', { exact: true }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});

describe('settings', () => {
  it('sends what is set, marks what is out of bounds, and remembers both visits and resets', async () => {
    const openSettings = () => page.getByRole('button', { name: 'Settings' }).click();
    await openSettings();
    const drawer = page.getByRole('dialog', { name: 'Settings' });
    await drawer.getByLabel('Temperature').fill('0.4');
    await drawer.getByLabel('Top p').fill('7');
    await drawer.getByText('From 0.05 to 1.').waitFor();
    await drawer.getByLabel('Longest answer').fill('64');
    await drawer.getByLabel('Seed').fill('0');
    await drawer.getByLabel('System prompt').fill('Be brief.');
    await drawer.getByLabel('API key').fill('a-key');
    await page.keyboard.press('Escape');
    server.script(answerWith('Yes.'), answerWith('Yes.'));
    await ask(page, 'Well?');
    await answered(page);
    const { temperature, top_p, max_completion_tokens, seed, messages } = server.requests[0] ?? { messages: [] };
    expect({ temperature, top_p, max_completion_tokens, seed }).toEqual({
      temperature: 0.4,
      max_completion_tokens: 64,
      seed: 0,
    });
    expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
    expect(server.credentials).toEqual(['Bearer a-key']);

    await page.reload();
    await openSettings();
    expect(await drawer.getByLabel('Temperature').inputValue()).toBe('0.4');
    await drawer.getByRole('button', { name: 'Reset' }).click();
    expect(await drawer.getByLabel('Temperature').inputValue()).toBe('');
    await page.keyboard.press('Escape');
    await ask(page, 'Well?');
    await answered(page);
    expect(server.requests[1]).not.toHaveProperty('temperature');
  });

  it('follows the theme of the device until told otherwise, and remembers that', async () => {
    const background = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('radio', { name: 'Light' }).check({ force: true });
    expect(await background()).toBe(light);
    await page.reload();
    await page.getByRole('heading', { name: 'It looks once' }).waitFor();
    expect(await background()).toBe(light);
  });

  it('speaks the language of the browser until told otherwise, and remembers that', async () => {
    await page.close();
    await open({ locale: 'zh-CN' });
    await page.getByRole('heading', { name: '只看一次，过目不忘。' }).waitFor();
    await page.getByRole('button', { name: '图中有几个物体？' }).waitFor();
    await page.getByText('它不认识照片').waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'It looks once' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    await page.reload();
    await page.getByText('It does not know photographs').waitFor();
  });
});
