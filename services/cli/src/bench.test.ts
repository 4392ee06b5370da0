import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeImage } from '@eidetic/image';
import { expect, it, onTestFinished } from 'vitest';
import { eidetic } from '../test/eidetic.ts';

interface Asked {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Part[] }[];
}

interface Part {
  readonly type: string;
  readonly image_url?: { readonly url: string };
}

const TOKENS = ['A', ' red', ' square', '.'];
const USAGE = { prompt_tokens: 50, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 20 } };

/** A server that answers alike, and with what `failure` gives instead; it keeps what was asked, and how much at a time. */
async function script(failure: (n: number) => { status: number; body: string } | undefined = () => undefined) {
  const asked: Asked[] = [];
  let underWay = 0;
  let most = 0;
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') return void response.end('{"data":[{"id":"scripted"}]}');
    most = Math.max(most, ++underWay);
    let body = '';
    for await (const piece of request) body += piece;
    const n = asked.push(JSON.parse(body));
    // Those that are under way together are to meet.
    await new Promise(setImmediate);
    underWay--;
    const failed = failure(n);
    if (failed) return void response.writeHead(failed.status).end(failed.body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of TOKENS) response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
    response.end(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, most: () => most };
}

const picturesOf = ({ messages }: Asked): string[] =>
  messages
    .flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .flatMap(({ image_url }) => image_url?.url ?? []);

it('counts what a server with known numbers answers', async () => {
  const server = await script();
  const load = [
    '--requests',
    '12',
    '--concurrency',
    '3',
    '--turns',
    '2',
    '--pictures',
    '2',
    '--reuse',
    '0.5',
    '--max-tokens',
    '9',
  ];
  const { status, stdout } = await eidetic(['bench', '--url', server.url, '--json', ...load]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    model: 'scripted',
    answered: 12,
    errors: {},
    completionTokens: 48,
    promptTokens: 600,
    cachedTokens: 240,
    firstTokenMs: { p50: expect.any(Number), p90: expect.any(Number), p99: expect.any(Number) },
  });
  expect(server.most()).toBeLessThanOrEqual(3);
  expect(server.asked).toHaveLength(12);
  for (const { model, max_tokens } of server.asked) expect([model, max_tokens]).toEqual(['scripted', 9]);
  const first = server.asked.filter(({ messages }) => messages.length === 1);
  const second = server.asked.filter(({ messages }) => messages.length === 3);
  expect([first.length, second.length]).toEqual([6, 6]);
  expect(second[0]?.messages[1]).toEqual({ role: 'assistant', content: 'A red square.' });
  for (const each of server.asked) expect(picturesOf(each)).toHaveLength(2);
  const different = new Set(first.flatMap(picturesOf));
  expect(different.size).toBe(6);
  const [url = ''] = different;
  expect(await decodeImage(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'))).toMatchObject({
    width: 448,
    height: 448,
  });
});

it('counts errors by code, asks none of them again, and says so by its status', async () => {
  const errors = new Map([
    [2, { status: 429, body: '{"error":{"code":"overloaded"}}' }],
    [3, { status: 429, body: '{"error":{"code":"overloaded"}}' }],
    [5, { status: 502, body: '<html>' }],
    [6, { status: 200, body: 'data: {"error":{"code":"unavailable"}}\n\n' }],
  ]);
  const server = await script((n) => errors.get(n));
  const { status, stdout } = await eidetic(['bench', '--url', server.url, '--requests', '8', '--pictures', '0']);
  expect(status).toBe(1);
  expect(server.asked).toHaveLength(8);
  expect(stdout).toMatch(
    /^answered +4 in .* s\nerror overloaded +2\nerror (status 502|unavailable) +1\nerror \S.* +1\n/,
  );
  expect(stdout).toMatch(/^tokens generated +16$/m);
  expect(stdout).toMatch(/^of these cached +80 \(40 %\)$/m);
  expect(stdout).toMatch(/^first token +[\d.]+ +[\d.]+ +[\d.]+$/m);
});

it('says when nobody is there', async () => {
  const { status, stderr } = await eidetic(['bench', '--url', 'http://127.0.0.1:1']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^eidetic: The server does not list its models/);
  const gone = await eidetic(['bench', '--url', 'http://127.0.0.1:1', '--model', 'm', '--requests', '3', '--json']);
  expect(gone.status).toBe(1);
  expect(JSON.parse(gone.stdout)).toMatchObject({ answered: 0, errors: { ECONNREFUSED: 3 } });
});

it.each([
  [[], /--url is needed/],
  [['--url', 'http://localhost', '--reuse', '2'], /--reuse is 2; a number from 0 to 1/],
  [['--url', 'http://localhost', '--requests', '0'], /--requests is 0/],
])('refuses %j as wrong usage', async (args, message) => {
  const { status, stderr } = await eidetic(['bench', ...args]);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
