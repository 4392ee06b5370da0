import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashApiKey, parseKeyFile } from '@eidetic/access';
import { ServiceProcess } from '@eidetic/launcher';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { eidetic } from '../test/eidetic.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-keys-'));
  file = join(folder, 'api-keys.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const keys = (...args: string[]) => eidetic(['keys', ...args], { cwd: folder, env: { EIDETIC_API_KEYS_FILE: '' } });

it('prints a new key once, keeps its hash, and lets only the owner read it', async () => {
  const limits = ['--rpm', '60', '--concurrency', '4', '--expires', '90d'];
  const { status, stdout, stderr } = await keys('create', '--tenant', 'acme', '--name', 'ci', ...limits);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^eid_[0-9a-f]{64}\n$/);
  expect(stderr).toMatch(/^ci of acme is in api-keys\.jsonl/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['api-keys.jsonl']);
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain(stdout.trim());
  const [entry] = parseKeyFile(text, file);
  expect(entry).toMatchObject({ id: 'ci', tenant: 'acme', requestsPerMinute: 60, concurrentRequests: 4 });
  expect(entry?.sha256).toBe(hashApiKey(stdout.trim()));
  const days = (Date.parse(entry?.expires ?? '') - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(89.9);
  expect(days).toBeLessThanOrEqual(90);
});

it('changes one line of a file and leaves the others as they are, also behind a link', async () => {
  await keys('create', '--tenant', 'acme', '--name', 'ci');
  await writeFile(file, `# who may ask\n${await readFile(file, 'utf8')}\n`);
  await keys('create', '--tenant', 'acme', '--name', 'web');
  const before = (await readFile(file, 'utf8')).split('\n');
  await symlink(file, join(folder, 'link'));
  expect((await keys('disable', 'ci', '--file', 'link')).status).toBe(0);
  const after = (await readFile(file, 'utf8')).split('\n');
  expect(after.length).toBe(before.length);
  expect(after.filter((line, i) => line !== before[i])).toHaveLength(1);
  expect((await keys('list')).stdout).toMatch(
    /^name .*\nci +acme +default +default +disabled\nweb +acme +default +default +good\n$/,
  );
  await keys('enable', 'ci');
  expect((await readFile(file, 'utf8')).split('\n')).toEqual(before);
});

it('lists as JSON without hashes', async () => {
  await keys('create', '--tenant', 'acme', '--name', 'ci', '--rpm', '0');
  expect(JSON.parse((await keys('list', '--json')).stdout)).toEqual({ id: 'ci', tenant: 'acme', requestsPerMinute: 0 });
});

it.each([
  [['create', '--tenant', 'acme'], 2, /--tenant and --name are needed/],
  [['create', '--tenant', 'acme', '--name', 'a b'], 1, /id: expected 1 to 64 letters/],
  [['create', '--tenant', 'a', '--name', 'b', '--expires', 'soon'], 2, /--expires is soon; 12h, 90d/],
  [['create', '--tenant', 'a', '--name', 'b', '--expires', '2020-01-01'], 2, /over already/],
  [['create', '--tenant', 'a', '--name', 'b', '--rpm', '-1'], 2, /rpm/],
  [['disable', 'ci'], 1, /api-keys\.jsonl cannot be read/],
  [['list', 'all'], 2, /One of create, list, disable NAME/],
])('refuses %j with status %i, and leaves nothing', async (args, status, message) => {
  const outcome = await keys(...args);
  expect(outcome.status).toBe(status);
  expect(outcome.stderr).toMatch(message);
  expect(await readdir(folder)).toEqual([]);
});

it('makes no second key of a name, and keeps two from writing at the same time', async () => {
  await keys('create', '--tenant', 'acme', '--name', 'ci');
  const before = await readFile(file, 'utf8');
  expect((await keys('create', '--tenant', 'other', '--name', 'ci')).stderr).toMatch(/the id "ci" is that of/);
  expect((await keys('disable', 'web')).stderr).toMatch(/There is no key "web"/);
  await writeFile(`${file}.new`, '');
  expect((await keys('disable', 'ci')).stderr).toMatch(/\.new is there: the keys are being changed/);
  expect(await readFile(file, 'utf8')).toBe(before);
});

it('makes keys that the server lets in, and that chat takes from the environment', async () => {
  const { stdout } = await keys('create', '--tenant', 'acme', '--name', 'ci');
  const settings = {
    EIDETIC_HTTP_PORT: '0',
    EIDETIC_GRPC_PORT: '0',
    EIDETIC_LOG_LEVEL: 'silent',
    EIDETIC_API_KEYS_FILE: file,
  };
  const server = await ServiceProcess.start('standalone', { settings });
  onTestFinished(() => server.kill());
  const ask = (key: string) =>
    eidetic(['chat', 'Hello!', '--url', server.http, '--max-tokens', '4'], { env: { EIDETIC_API_KEY: key } });
  expect((await ask(stdout.trim())).status).toBe(0);
  expect((await ask('eid_wrong')).stderr).toMatch(/\(invalid_api_key\)/);
});
