import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Page } from 'playwright-core';

/** Hands files to the page as a drop (or a paste) from outside would: a real event with a real `DataTransfer`. */
export async function dropPictures(
  page: Page,
  paths: readonly string[],
  kind: 'drop' | 'paste' = 'drop',
): Promise<void> {
  const files = await Promise.all(
    paths.map(async (path) => ({
      name: basename(path),
      type: path.endsWith('.png') ? 'image/png' : 'text/plain',
      base64: await readFile(path, 'base64'),
    })),
  );
  // In the page's language: this file is checked without the browser's types.
  await page.evaluate(`{
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of ${JSON.stringify(files)}) {
      transfer.items.add(new File([Uint8Array.fromBase64(base64)], name, { type }));
    }
    const options = { bubbles: true, cancelable: true };
    const event = ${JSON.stringify(kind)} === 'drop'
      ? new DragEvent('drop', { ...options, dataTransfer: transfer })
      : new ClipboardEvent('paste', { ...options, clipboardData: transfer });
    document.body.dispatchEvent(event);
  }`);
}
