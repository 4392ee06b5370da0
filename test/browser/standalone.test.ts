import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY, type GoldenCase, goldens, imagesOf } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';
import { answered, ask, openPage } from './open-page.ts';

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const resources = new AsyncDisposableStack();
let server: StandaloneServer;
let browser: Browser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  browser = resources.use(await launchChromium());
  server = resources.use(await StandaloneServer.start());
});
beforeEach(async () => {
  ({ page, complaints } = await openPage(browser, server.url));
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});
afterAll(() => resources.disposeAsync());

function goldenNamed(name: string): GoldenCase {
  const golden = goldens.cases.find((candidate) => candidate.name === name);
  if (golden === undefined) throw new Error(`There is no golden ${name}.`);
  return golden;
}

function questionOf(golden: GoldenCase): string {
  const content = golden.messages.at(-1)?.content ?? '';
  return typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Intersection over union. */
function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  return shared / (a.width * a.height + b.width * b.height - shared);
}

async function rectangleOf(selector: string): Promise<Rectangle> {
  const rectangle = await page.locator(selector).boundingBox();
  if (rectangle === null) throw new Error(`${selector} is not visible.`);
  return rectangle;
}

it.each(['17-ground-en', '18-ground-zh'])(
  'drops a picture on the page, asks where something is, and sees a box drawn at the right place (%s)',
  async (name) => {
    const golden = goldenNamed(name);
    await dropPictures(
      page,
      imagesOf(golden).map((image) => join(GOLDENS_DIRECTORY, image)),
    );
    await page.locator('.pending').waitFor();
    await ask(page, questionOf(golden));
    await answered(page);

    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = (/\((\d+),(\d+)\),\((\d+),(\d+)\)/.exec(golden.output_text) ?? [])
      .slice(1)
      .map((coordinate) => Number(coordinate) / 1000);
    const picture = await rectangleOf('.frame');
    const expected = {
      x: picture.x + x1 * picture.width,
      y: picture.y + y1 * picture.height,
      width: (x2 - x1) * picture.width,
      height: (y2 - y1) * picture.height,
    };
    expect(overlap(await rectangleOf('.mark .line'), expected)).toBeGreaterThan(0.8);
    const words = /<ref>(.*)<\/ref>/.exec(golden.output_text)?.[1] ?? '';
    expect(await page.locator('.words').textContent()).toBe(words);
    expect(await page.locator('.label').textContent()).toBe(words);
  },
);

it('looks at a picture once: the second turn and the next dialog reuse its embedding', async () => {
  const picture = join(GOLDENS_DIRECTORY, 'images/05-detail-1.png');
  await dropPictures(page, [picture]);
  await page.locator('.pending').waitFor();
  await ask(page, 'What is this?');
  await answered(page);
  expect(await page.locator('.facts').textContent()).toContain('Picture 1 encoded');
  await ask(page, 'What color is the background?');
  await answered(page, 2);
  expect(await page.locator('.facts').nth(1).textContent()).toContain('Picture 1 seen before');
  await page.getByRole('button', { name: 'New dialog' }).click();
  await dropPictures(page, [picture]);
  await page.locator('.pending').waitFor();
  await ask(page, 'What is this?');
  await answered(page);
  expect(await page.locator('.facts').textContent()).toContain('Picture 1 seen before');
});
