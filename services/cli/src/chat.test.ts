import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage } from '@eidetic/image';
import { ServiceProcess } from '@eidetic/launcher';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CallOptions, eidetic } from '../test/eidetic.ts';

const PICTURES = join(import.meta.dirname, '../../../test/data/goldens/images');
const QUESTION = 'Draw a box around the steam train.';
/** What the reference implementation answers, in pixels of the picture. */
const TRAIN = { x1: 47, y1: 6, x2: 203, y2: 173 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-chat-'));
  await cp(join(PICTURES, '17-ground-1.png'), join(folder, 'train.png'));
  await cp(join(PICTURES, '00-name-1.png'), join(folder, 'ring.png'));
});
afterEach(() => rm(folder, { recursive: true }));

/** How much a picture differs from the original along a box, and inside of it: mean over pixels of the largest channel. */
async function differences(original: string, changed: string): Promise<{ along: number; inside: number }> {
  const [before, after] = await Promise.all(
    [original, changed].map(async (name) => decodeImage(await readFile(join(folder, name)))),
  );
  if (before === undefined || after === undefined) throw new Error('There are two.');
  expect([after.width, after.height]).toEqual([before.width, before.height]);
  const at = (x: number, y: number): number => {
    const from = 3 * (y * after.width + x);
    return Math.max(...[0, 1, 2].map((c) => Math.abs((after.data[from + c] ?? 0) - (before.data[from + c] ?? 0))));
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const { x1, y1, x2, y2 } = TRAIN;
  return {
    // The bottom and right side: the label is at the top left.
    along: mean([...range(x1, x2).map((x) => at(x, y2)), ...range(y1 + 20, y2).map((y) => at(x2, y))]),
    inside: mean(range(y1 + 30, y2 - 10).flatMap((y) => range(x1 + 10, x2 - 10).map((x) => at(x, y)))),
  };
}

describe('eidetic chat with a server', () => {
  let server: ServiceProcess;
  beforeAll(async () => {
    const settings = { EIDETIC_HTTP_PORT: '0', EIDETIC_GRPC_PORT: '0', EIDETIC_LOG_LEVEL: 'silent' };
    server = await ServiceProcess.start('standalone', { settings });
  });
  afterAll(() => server.kill());

  const chat = (args: readonly string[], options: CallOptions = {}) =>
    eidetic(['chat', '--url', server.http, ...args], { cwd: folder, ...options });

  it('prints the answer, and draws its box into a copy of the picture', async () => {
    const { status, stdout, stderr } = await chat(['train.png', QUESTION]);
    expect(stderr).toMatch(/^Boxes are drawn in train\.boxes\.jpg\nFirst token after .*Reused: .* of 1 picture\.\n$/);
    expect(stdout).toBe('the steam train [1]\n[1] the steam train: (47, 6) to (203, 173)\n');
    expect(status).toBe(0);
    const { along, inside } = await differences('train.png', 'train.boxes.jpg');
    expect(along).toBeGreaterThan(60);
    expect(inside).toBeLessThan(12);
  });

  it('reads a picture from standard input, prints tags with --raw, and writes where --output says', async () => {
    const stdin = await readFile(join(folder, 'train.png'));
    const { stdout } = await chat(['-', QUESTION, '--raw', '--output', 'here.png'], { stdin });
    expect(stdout).toBe('<ref>the steam train</ref><box>(209,26),(906,772)</box>\n');
    expect((await readdir(folder)).toSorted()).toEqual(['here.png', 'ring.png', 'train.png']);
    expect((await readFile(join(folder, 'here.png'))).toString('latin1', 1, 4)).toBe('PNG');
  });

  it('prints one line of JSON with --json', async () => {
    const { stdout } = await chat(['train.png', QUESTION, '--json', '--max-tokens', '64', '--temperature', '0']);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      text: 'the steam train [1]',
      boxes: [{ number: 1, text: 'the steam train', box: TRAIN, picture: 'train.png' }],
      saved: [{ picture: 'train.png', path: 'train.boxes.jpg' }],
      finishReason: 'stop',
      usage: { completion_tokens: 23 },
    });
  });

  it('goes on with the dialog line by line, and takes pictures on the way', async () => {
    const stdin =
      'What is this?\n\n/image no.png\n/image ring.png\nWhat is in picture 2?\n/what\n/quit\nWhat is this?\n';
    const { status, stdout, stderr } = await chat(['train.png'], { stdin });
    expect(stdout).toBe('It is a steam train.\nA ring.\n');
    expect(stderr).toMatch(/The picture no\.png cannot be read .*\nPicture 2: ring\.png\n(.*\n)*Ask, or say \/image/);
    expect(stderr).toMatch(/1 of 2 pictures/);
    expect(status).toBe(0);
  });

  it('says what the server refuses', async () => {
    const { status, stdout, stderr } = await chat(['What?', '--model', 'another']);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^eidetic: The server refuses: .*another.* \(model_not_found\)\n$/);
  });
});

it('says that the server which was named is not there', async () => {
  const { status, stderr } = await eidetic(['chat', 'Hello!', '--url', 'http://127.0.0.1:1']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^eidetic: http:\/\/127\.0\.0\.1:1\S* cannot be reached/);
});

it('fails when a question of a dialog that is no terminal got no answer', async () => {
  const { status, stderr } = await eidetic(['chat', '--url', 'http://127.0.0.1:1'], { stdin: 'Hello!\n' });
  expect(stderr).toMatch(/cannot be reached/);
  expect(status).toBe(1);
});

it('ends on Ctrl-C while it waits for a picture from standard input', async () => {
  const { status } = await eidetic(['chat', '-', 'What?', '--url', 'http://127.0.0.1:1'], {
    onStart(child) {
      onTestFinished(() => void child.kill('SIGKILL'));
      child.stdin?.write('the beginning of a picture');
      setTimeout(() => child.kill('SIGINT'), 1500);
    },
  });
  expect(status).not.toBe(0);
});

it('stops the answer on Ctrl-C, and leaves on the next', async () => {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void response.end(JSON.stringify({ data: [{ id: 'slow' }] }));
    const head = { id: 'c', created: 1, model: 'slow', object: 'chat.completion.chunk' };
    const chunk = (delta: object, more = {}) =>
      `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      chunk({ role: 'assistant', content: '' }, { eidetic: { images: [] } }) + chunk({ content: 'Once upon' }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, stdout, stderr } = await eidetic(['chat', '--url', url], {
    onStart(child) {
      onTestFinished(() => void child.kill('SIGKILL'));
      child.stdin?.write('Tell me a story.\n');
      child.stdout?.once('data', () => child.kill('SIGINT'));
      child.stderr?.once('data', () => child.kill('SIGINT'));
    },
  });
  expect(stdout).toBe('Once upon\n');
  expect(stderr).toBe('The answer was stopped.\n');
  expect(status).toBe(0);
});

it.each([
  [['which', 'one'], /Which is the question: "which" or "one"\?/],
  [['-'], /Standard input holds one picture/],
  [['a.png', 'b.png', 'What?', '--output', 'c.jpg'], /--output names one file/],
  [['a.png', 'What?', '--output', 'c.gif'], /--output is c\.gif; the picture with boxes is a \.jpg or a \.png\./],
  [['What?', '--raw', '--json'], /exclude each other/],
  [['What?', '--temperature', 'hot'], /--temperature is hot; a number from 0 to 2/],
  [['What?', '--url', 'localhost:8080'], /--url is localhost:8080; an address such as/],
])('refuses %j as wrong usage', async (args, message) => {
  const { status, stderr } = await eidetic(['chat', ...args], { cwd: folder });
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});

it('names the picture that is not there', async () => {
  const { status, stderr } = await eidetic(['chat', 'none.png', 'What?'], { cwd: folder });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^eidetic: The picture none\.png cannot be read/);
});
