import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const CHAT = 'proto/eidetic/v1/chat.proto';

/** What `make check` says of the contracts in a folder. */
const check = async (folder: string): Promise<string> => {
  const released = join(import.meta.dirname, 'released');
  const command = promisify(execFile)(join(ROOT, 'node_modules/.bin/buf'), ['breaking', '--against', released], {
    cwd: folder,
  });
  return command.then(
    () => 'compatible',
    (error: { stdout: string }) => error.stdout,
  );
};

/** A copy of the contracts, with a line of the chat API changed. */
const changed = async (line: RegExp, other: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-proto-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(join(ROOT, 'proto'), join(folder, 'proto'), { recursive: true });
  await cp(join(ROOT, 'buf.yaml'), join(folder, 'buf.yaml'));
  const contract = await readFile(join(folder, CHAT), 'utf8');
  expect(contract).toMatch(line);
  await writeFile(join(folder, CHAT), contract.replace(line, other));
  return folder;
};

it('lets fields be added to what was released', async () => {
  const folder = await changed(/bool ignore_eos = 9;/, 'bool ignore_eos = 9;\n  // New.\n  string added = 1000;');
  expect(await check(folder)).toBe('compatible');
});

it.each([
  ['removed', /.*bool ignore_eos = 9;/, '', /Previously present field "9" with name "ignore_eos"/],
  ['renumbered', /ignore_eos = 9/, 'ignore_eos = 99', /Previously present field "9"/],
  ['of another type', /bool ignore_eos/, 'string ignore_eos', /Field "9" with name "ignore_eos".*changed type/],
])('refuses a field that is %s', async (_, line, other, message) => {
  expect(await check(await changed(line, other))).toMatch(message);
});
