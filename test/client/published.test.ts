import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../browser/chromium.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** scripts/install-node22.sh fetches it. */
const NODE_22 = join(ROOT, '.cache/node22/node_modules/.bin/node');
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const PICTURE = join(GOLDENS_DIRECTORY, 'images/17-ground-1.png');
const ANSWER = '<ref>the steam train</ref><box>(209,26),(906,772)</box>';

const resources = new AsyncDisposableStack();
let server: StandaloneServer;
/** A folder of somebody who has installed the package. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-client-'));
  resources.defer(() => rm(folder, { recursive: true }));
  server = resources.use(await StandaloneServer.start());
  await run('pnpm', ['--filter', '@eidetic/client', 'pack', '--pack-destination', folder], { cwd: ROOT });
  const [archive = ''] = await readdir(folder);
  const installed = join(folder, 'node_modules/@eidetic/client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, archive), '-C', installed, '--strip-components', '1']);
});
afterAll(() => resources.disposeAsync());

/** The body of a module that asks about a picture, whose bytes are `bytes`, and gives what was streamed. */
const ASKING = `
  const { createClient, image } = client;
  const { streamChat } = createClient({ baseUrl });
  const content = [await image(bytes), { type: 'text', text: 'Draw a box around the steam train.' }];
  let said = '';
  let answer;
  for await (const event of streamChat({ messages: [{ role: 'user', content }] })) {
    if (event.kind === 'text') said += event.text;
    if (event.kind === 'finished') answer = event.answer;
  }
  return { said, text: answer.text, box: answer.grounding[0].box };
`;
const ASKED = { said: ANSWER, text: ANSWER, box: { x1: 47, y1: 6, x2: 203, y2: 173 } };

describe('the published package', () => {
  it('has nothing but what is built, a licence and a description', async () => {
    const files = await readdir(join(folder, 'node_modules/@eidetic/client'));
    expect(files.sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
    const built = await readdir(join(folder, 'node_modules/@eidetic/client/dist'));
    expect(built.filter((name) => !/^[a-z-]+(\.d)?\.(ts|js)$/.test(name) || name.includes('test'))).toEqual([]);
  });

  it.each([
    ['this Node', process.execPath],
    ['Node 22', NODE_22],
  ])('runs in %s', async (_, node) => {
    expect(existsSync(node), 'Run scripts/install-node22.sh, or make test.').toBe(true);
    const script = `
      import * as client from '@eidetic/client';
      import { readFile } from 'node:fs/promises';
      const ask = async (baseUrl, bytes) => {${ASKING}};
      console.log(JSON.stringify(await ask(process.argv[2], await readFile(process.argv[3]))));`;
    await writeFile(join(folder, 'ask.mjs'), script);
    const { stdout } = await run(node, ['ask.mjs', server.url, PICTURE], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(ASKED);
  });

  it('runs in a browser', async () => {
    await using browser = await launchChromium();
    const page = await browser.newPage();
    await page.route('**/client/*', async (route) => {
      const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
      const body = await readFile(join(folder, 'node_modules/@eidetic/client/dist', name));
      await route.fulfill({ body, contentType: 'text/javascript' });
    });
    await page.goto(server.url);
    const picture = (await readFile(PICTURE)).toString('base64');
    // In the page's language: this file is checked without the browser's types.
    const asked = await page.evaluate(`(async () => {
      const client = await import('/client/index.js');
      const baseUrl = location.origin;
      const bytes = new Blob([Uint8Array.from(atob('${picture}'), (character) => character.charCodeAt(0))]);
      ${ASKING}
    })()`);
    expect(asked).toEqual(ASKED);
  });

  it.each(['nodenext', 'bundler'])('has types that a strict project can use (%s)', async (resolution) => {
    const script = `
      import { type ChatEvent, createClient, EideticApiError } from '@eidetic/client';
      const client = createClient({ baseUrl: 'http://localhost:8080' });
      export const kinds = async (): Promise<ChatEvent['kind'][]> => {
        const kinds: ChatEvent['kind'][] = [];
        for await (const event of client.streamChat({ messages: [{ role: 'user', content: 'Hi' }] })) kinds.push(event.kind);
        return kinds;
      };
      export const isOverload = (error: unknown): boolean => error instanceof EideticApiError && error.status === 429;
      // @ts-expect-error There is no such role.
      export const wrong = client.chat({ messages: [{ role: 'robot', content: 'Hi' }] });`;
    await writeFile(join(folder, 'use.mts'), script);
    const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom', '--types', ''];
    const checked = run(
      process.execPath,
      [TSC, ...options, '--module', module, '--moduleResolution', resolution, 'use.mts'],
      {
        cwd: folder,
      },
    );
    const { stdout } = await checked.catch((reason: { stdout: string }) => reason);
    expect(stdout).toBe('');
  });
});
