import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const COMMON_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * Starts a Chromium that talks to nobody but the page under test: the one that `EIDETIC_CHROMIUM` names, or one from the
 * usual places.
 *
 * @throws Error that says what to install if there is none.
 */
export function launchChromium(): Promise<Browser> {
  const named = process.env.EIDETIC_CHROMIUM;
  const executablePath = [...(named ? [named] : COMMON_PATHS)].find((path) => existsSync(path));
  if (executablePath === undefined) {
    const looked = named ? `EIDETIC_CHROMIUM names ${named}, which does not exist` : 'none in the usual places';
    throw new Error(
      `The browser tests need Chromium: ${looked}. Install it (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium) or set EIDETIC_CHROMIUM to its path.`,
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
