/** Takes the pictures of docs/images, or of the folder that is named: `node test/browser/take-screenshots.ts [FOLDER]`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';
import { launchChromium } from './chromium.ts';
import { dropPictures } from './drop-pictures.ts';
import { answered, ask } from './open-page.ts';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/images', import.meta.url));
const DESK: BrowserContextOptions = { viewport: { width: 1240, height: 800 }, locale: 'en-US' };
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  locale: 'en-US',
  deviceScaleFactor: 1.5,
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
  await page.mouse.move(0, 0);
  // Fonts, pictures and movements come to rest.
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
};

const askForBox = async (page: Page): Promise<void> => {
  await dropPictures(page, [join(GOLDENS_DIRECTORY, 'images/17-ground-1.png')]);
  await ask(page, 'Draw a box around the steam train.');
  await answered(page);
  await page.locator('.reference').focus();
};

const talk = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Detect all objects.' }).click();
  await answered(page);
  await page.getByRole('button', { name: 'Where is the violin?' }).click();
  await answered(page, 2);
};

// The first picture of a server takes longer than any after it.
await take('page-dark', DESK, askForBox);
await take('page', DESK, talk);
await take('page-dark', { ...DESK, colorScheme: 'dark' }, askForBox);
await take('page-start', DESK);
await take('page-phone', PHONE, talk);
