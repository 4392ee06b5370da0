/** Takes the pictures of docs/images, or of the folder that is named: `node test/browser/take-screenshots.ts [FOLDER]`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/images', import.meta.url));
const DESK: BrowserContextOptions = { viewport: { width: 1240, height: 800 }, locale: 'en-US' };
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  locale: 'zh-CN',
  hasTouch: true,
  isMobile: true,
};

await using browser = await launchChromium();
await using server = await StandaloneServer.start();

const take = async (
  name: string,
  options: BrowserContextOptions,
  act: (page: Page) => Promise<void> = async () => undefined,
): Promise<void> => {
  const page = await browser.newPage(options);
  await page.goto(server.url);
  await page.getByText('qwen-vl-nano-chat', { exact: true }).waitFor();
  await act(page);
  // Fonts, pictures and movements come to rest.
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
};

const answered = (page: Page, count: number): Promise<void> =>
  page
    .locator('.answer.done')
    .nth(count - 1)
    .waitFor();

const talk = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /Detect all objects|框出所有物体/ }).click();
  await answered(page, 1);
  await page.getByRole('button', { name: /Where is the violin|小提琴在哪里/ }).click();
  await answered(page, 2);
};

await take('page', DESK, talk);
await take('page-dark', { ...DESK, colorScheme: 'dark' }, async (page) => {
  await dropPictures(page, [join(GOLDENS_DIRECTORY, 'images/17-ground-1.png')]);
  await page.getByRole('textbox').fill('Draw a box around the steam train.');
  await page.keyboard.press('Enter');
  await answered(page, 1);
  await page.locator('.reference').hover();
});
await take('page-start', DESK);
await take('page-phone', PHONE, talk);
