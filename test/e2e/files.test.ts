import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { complete } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const metric = async (url: string, line: RegExp): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(line.exec(text)?.[1] ?? 0);
};
const ENCODES = /^eidetic_image_encode_seconds_count\{stage="encode"\} (\d+)$/m;
const UPLOADS = /^eidetic_file_added_total\{purpose="vision"\} (\d+)$/m;

const upload = async (url: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
  const form = new FormData();
  form.append('file', new Blob([bytes]), 'picture.png');
  form.append('purpose', 'vision');
  const response = await fetch(`${url}/v1/files`, { method: 'POST', body: form });
  return ((await response.json()) as { id: string }).id;
};

it('costs one upload and one encode to ask ten times about a file, also after a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-data-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const settings = { EIDETIC_DATA_DIR: directory };
  let id = '';
  const ask = async (url: string) => {
    const content = [
      { type: 'image_url', image_url: { url: id } },
      { type: 'text', text: 'What is this?' },
    ];
    const answer = await complete(url, { messages: [{ role: 'user', content }], temperature: 0, max_tokens: 8 });
    return answer.choices[0]?.message.content;
  };
  const answers: (string | undefined)[] = [];
  {
    await using server = await StandaloneServer.start(settings);
    const before = await metric(server.url, ENCODES);
    id = await upload(server.url, await readFile(join(GOLDENS_DIRECTORY, 'images/06-color-1.png')));
    for (let i = 0; i < 10; i++) answers.push(await ask(server.url));
    expect(await metric(server.url, UPLOADS)).toBe(1);
    expect((await metric(server.url, ENCODES)) - before).toBe(1);
  }
  // Its embedding is gone, the file is not.
  await using server = await StandaloneServer.start(settings);
  answers.push(await ask(server.url));
  expect(answers[0]).toBeTruthy();
  expect(new Set(answers).size).toBe(1);
  expect(await metric(server.url, UPLOADS)).toBe(0);
  expect((await readdir(join(directory, 'files'))).filter((name) => name.endsWith('.data'))).toHaveLength(1);
});
