import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** A page that was opened, and what its console complained about. */
export interface OpenPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens an address in English and collects errors of the console: breaches of the content security policy are among them. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const page = await browser.newPage({ locale: 'en-US', ...options });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // Chromium reports failed requests, which some tests are about.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load')) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Types a question and sends it. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your question' }).fill(question);
  await page.keyboard.press('Enter');
}

/** Waits until so many answers are complete. */
export async function answered(page: Page, count = 1): Promise<void> {
  await page
    .locator('.answer.done')
    .nth(count - 1)
    .waitFor();
}
