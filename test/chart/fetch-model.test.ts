import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHART } from './chart.ts';

const run = promisify(execFile);
const SCRIPT = join(CHART, 'files/scripts/fetch-model.mts');
const BYTES = Buffer.alloc(300_000, 'weights');
const SUM = createHash('sha256').update(BYTES).digest('hex');

let folder: string;
let server: Server;
let asked: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-fetch-'));
  asked = 0;
  server = createServer(({ url }, response) => {
    asked++;
    response.writeHead(url === '/weights' ? 200 : 404).end(BYTES);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** Runs the script as the init container does; resolves to what it says, or rejects. */
const fetchModel = async (path: string, sha256 = SUM, page = 'weights'): Promise<string> => {
  const list = join(folder, 'files.json');
  const { port } = server.address() as AddressInfo;
  await writeFile(list, JSON.stringify([{ url: `http://127.0.0.1:${port}/${page}`, sha256, path }]));
  return (await run(process.execPath, [SCRIPT, list, join(folder, 'model')])).stdout;
};

it('fetches files into folders, and those that are there already not again', async () => {
  expect(await fetchModel('a/b.onnx')).toBe('a/b.onnx is fetched\n');
  expect(await readFile(join(folder, 'model/a/b.onnx'))).toEqual(BYTES);
  expect(await fetchModel('a/b.onnx')).toBe('a/b.onnx is there\n');
  expect(asked).toBe(1);
});

it('leaves nothing of a file that is not as its sum says, and fails', async () => {
  await expect(fetchModel('b.onnx', '0'.repeat(64))).rejects.toThrow(`has the sha256 ${SUM}; expected is 000`);
  expect(await readdir(join(folder, 'model'))).toEqual([]);
});

it('fails when a file is not there, or would go elsewhere', async () => {
  await expect(fetchModel('b.onnx', SUM, 'nothing')).rejects.toThrow('answered 404');
  await expect(fetchModel('../../b.onnx')).rejects.toThrow('leads out of the folder');
});
