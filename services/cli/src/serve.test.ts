import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';

/** Starts `eidetic serve` as a user does; the lines that it says, and its exit status. */
function startServe(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'serve', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, lines: createInterface(child.stderr), ended: once(child, 'close') };
}

/** The command until it ends by itself. */
async function say(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { child, lines, ended } = startServe(args, env);
  let stdout = '';
  child.stdout.on('data', (piece) => {
    stdout += piece;
  });
  const stderr: string[] = [];
  lines.on('line', (line) => stderr.push(line));
  const [status] = await ended;
  return { status, stdout, stderr: stderr.join('\n') };
}

it('becomes the server: same process, its own settings, its own end', async () => {
  const settings = { EIDETIC_API_KEY: 'for the client', EIDETIC_SLOTS: '2', EIDETIC_LOG_LEVEL: 'silent' };
  const { child, lines, ended } = startServe(['--port', '0', '--grpc-port=0', '--slots', '1'], settings);
  for await (const line of lines) {
    const [, address] = /^Eidetic serves qwen-vl-nano-chat on (http:\S+)/.exec(line) ?? [];
    if (address === undefined) continue;
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    expect(await readFile(`/proc/${child.pid}/cmdline`, 'utf8')).toContain('services/standalone');
    expect(await readFile(`/proc/${child.pid}/environ`, 'utf8')).toContain('EIDETIC_SLOTS=1\0');
    child.kill('SIGTERM');
    break;
  }
  expect(await ended).toEqual([0, null]);
});

it('lists the settings as options', async () => {
  const { status, stdout } = await say(['--settings']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^--max-context\n +Most positions of one dialog/m);
});

it.each([
  [['--slotz', '3'], 'There is no option --slotz; did you mean --slots?'],
  [['--port'], '--port needs a value.'],
  [['a', 'b'], 'One model is served; b would be another.'],
])('refuses %j as wrong usage', async (args, message) => {
  const { status, stderr } = await say(args);
  expect(status).toBe(2);
  expect(stderr).toContain(`eidetic: ${message}`);
});

it('leaves values to the server to judge', async () => {
  const { status, stderr } = await say(['--slots', 'many']);
  expect(status).toBe(1);
  expect(stderr).toContain('EIDETIC_SLOTS: "many" is not valid; expected a whole number from 1 to 256');
});

it('takes a folder from where the user stands, and no precision beside a bundle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cli-serve-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const away = await say(['--model', relative(process.cwd(), join(folder, 'none')), '--port', '0', '--grpc-port', '0']);
  expect(away.status).toBe(1);
  expect(away.stderr).toContain(join(folder, 'none'));
  await writeFile(join(folder, 'manifest.json'), '{"format":"eidetic-bundle","name":"mine"}');
  const { status, stderr } = await say([folder, '--precision', 'int4']);
  expect(status).toBe(2);
  expect(stderr).toContain('is a bundle, which has its precision');
});
