import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';
import { answered, ask, openPage } from './open-page.ts';
import { answerWith, ScriptedServer, sendError } from './scripted-server.ts';

const pathOf = (name: string) => fileURLToPath(new URL(`../data/goldens/images/${name}`, import.meta.url));
const PICTURES = [pathOf('08-exist-1.png'), pathOf('wide.png')];
const RAW = '<ref>a pudding</ref><box>(1,1),(2,2)</box> and <ref>a ship</ref><box>(1,1),(2,2)</box>';
const box = { x1: 56, y1: 28, x2: 112, y2: 84 };
const ANSWER = {
  images: ['a', 'b'].map((digit) => ({ id: digit.repeat(64), width: 224, height: 224, cached: digit === 'a' })),
  grounding: [
    { text: 'a pudding', box, imageIndex: 0 },
    { text: 'a ship', box, imageIndex: 0 },
  ],
};

const resources = new AsyncDisposableStack();
let axe: string;
let browser: Browser;
let server: ScriptedServer;
let url: string;
let page: Page;

/** What axe finds serious or critical: what is wrong, and where. */
async function violations(): Promise<string[]> {
  // Colours are looked at when nothing moves any more.
  await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))');
  await page.evaluate(axe);
  const { violations: found } = (await page.evaluate('axe.run()')) as AxeResults;
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`));
}

async function open(options: BrowserContextOptions): Promise<void> {
  ({ page } = await openPage(browser, url, { ...options, reducedMotion: 'reduce' }));
  await page.getByText('qwen-vl-nano-chat', { exact: true }).waitFor();
}

beforeAll(async () => {
  browser = resources.use(await launchChromium());
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
});
beforeEach(async () => {
  server = new ScriptedServer();
  url = await server.start();
});
afterEach(async () => {
  await page.close();
  await server[Symbol.asyncDispose]();
});
afterAll(() => resources.disposeAsync());

describe.each<[string, BrowserContextOptions]>([
  ['in the light', { colorScheme: 'light' }],
  ['in the dark', { colorScheme: 'dark' }],
  ['on a phone', { viewport: { width: 360, height: 700 }, isMobile: true, hasTouch: true }],
])('the page %s', (_, options) => {
  it('has nothing that axe finds serious, and nothing that scrolls sideways', async () => {
    const wide: string[] = [];
    const found: string[] = [];
    const look = async (where: string): Promise<void> => {
      found.push(...(await violations()).map((violation) => `${where}: ${violation}`));
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) wide.push(where);
    };
    await open(options);
    await look('start');
    await dropPictures(page, PICTURES);
    await page.locator('.pending li').nth(1).waitFor();
    await look('pictures that wait');
    server.script(answerWith(RAW, ANSWER), (response) =>
      sendError(response, 400, 'invalid_image', `A long word: ${'x'.repeat(300)}`),
    );
    await ask(page, `Detect all objects. ${'W'.repeat(120)}`);
    await answered(page);
    await look('answer');
    await page.locator('.words').getByRole('button', { name: 'a pudding' }).focus();
    await look('words that are pointed at');
    await ask(page, 'And?');
    await page.locator('.failure').waitFor();
    await look('failure');
    await page.getByRole('button', { name: 'Enlarge picture' }).click();
    await look('enlarged picture');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings' }).click();
    await look('settings');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Add pictures' }).click();
    await look('ways to add pictures');
    expect(found).toEqual([]);
    expect(wide).toEqual([]);
  });
});

it('can be used with the keyboard alone', async () => {
  await open({});
  const focused = () => page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent');
  const tabTo = async (name: string, key = 'Tab'): Promise<void> => {
    for (let presses = 0; presses < 40 && (await focused()) !== name; presses++) await page.keyboard.press(key);
    expect(await focused()).toBe(name);
  };
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the question');
  await tabTo('Three things');
  await page.keyboard.press('Enter');
  await page.locator('.pending').waitFor();
  await expect.poll(focused).toBe('Your question');
  server.script(answerWith(RAW, ANSWER), answerWith('Yes.', ANSWER));
  await page.keyboard.type('Two');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('lines?');
  await page.keyboard.press('Enter');
  await answered(page);
  expect(server.requests[0]?.messages[0]?.content).toContainEqual({ type: 'text', text: 'Two\nlines?' });
  expect(await focused()).toBe('Your question');
  await tabTo('a ship', 'Shift+Tab');
  expect(await page.locator('.label.set-off').textContent()).toBe('a ship');
  await tabTo('Detect all objects.');
  await page.keyboard.press('Enter');
  await answered(page, 2);
});
