import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';

interface Run {
  readonly child: ChildProcess;
  /** Resolves to the next line on standard error that matches. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts the server as its own process, with nothing of this process's configuration. */
const start = (args: readonly string[], env: Record<string, string> = {}): Run => {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EIDETIC_'));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...Object.fromEntries(inherited), EIDETIC_HTTP_PORT: '0', EIDETIC_GRPC_PORT: '0', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece.toString();
  });
  const lines = createInterface({ input: child.stderr });
  lines.on('line', (line) => {
    stderr += `${line}\n`;
  });
  return {
    child,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          if (pattern.test(line)) resolve(line);
        });
        lines.on('close', () => reject(new Error(`The server ended without saying ${pattern}:\n${stderr}`)));
      }),
    ended: once(child, 'close').then(([code]) => ({ code, stdout, stderr })),
  };
};

const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-standalone-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

it('prints its settings on --help', async () => {
  const { code, stdout } = await start(['--help']).ended;
  expect(code).toBe(0);
  expect(stdout).toContain('EIDETIC_HTTP_PORT');
});

it('refuses an argument that it does not know', async () => {
  expect(await start(['--port=80']).ended).toMatchObject({
    code: 1,
    stderr: 'Unknown argument --port=80; see --help.\n',
  });
});

it('lists what is wrong with its configuration', async () => {
  expect(await start([], { EIDETIC_HTTP_PORT: 'x', EIDETIC_HTPP_HOST: '::' }).ended).toMatchObject({
    code: 1,
    stderr: [
      'The configuration is wrong:',
      '  EIDETIC_HTTP_PORT: "x" is not valid; expected a whole number from 0 to 65535',
      '  EIDETIC_HTPP_HOST: no such setting; did you mean EIDETIC_HTTP_HOST?',
      '',
    ].join('\n'),
  });
});

it('says so when its port is taken', async () => {
  const other = createServer();
  await once(other.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const { code, stderr } = await start([], { EIDETIC_HTTP_PORT: String(port) }).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^Cannot listen on 127.0.0.1:${port}: it is in use by another program`));
});

it('names the folder when there is no model in it', async () => {
  const directory = await temporaryDirectory();
  const { code, stderr } = await start([], { EIDETIC_MODEL: directory }).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(directory);
  expect(stderr).not.toContain('    at ');
});

it('ends a conversion on SIGTERM, and goes on with it when it is started again', async () => {
  const directory = await temporaryDirectory();
  const server = start([], { EIDETIC_CACHE_DIR: directory });
  await server.said(/^Converting qwen-vl-nano-chat: 10 %/);
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
  expect(await readdir(directory)).toEqual([expect.stringContaining('.partial-')]);
  const again = start([], { EIDETIC_CACHE_DIR: directory });
  await again.said(/^Eidetic serves qwen-vl-nano-chat on http:/);
  again.child.kill('SIGTERM');
  expect((await again.ended).code).toBe(0);
  expect((await readdir(directory)).filter((name) => name.includes('.partial-'))).toEqual([]);
});

it('converts, answers, and on SIGTERM finishes the running stream before it exits', async () => {
  const server = start([], { EIDETIC_CACHE_DIR: await temporaryDirectory() });
  const greeting = await server.said(/^Eidetic serves qwen-vl-nano-chat on http:/);
  const address = /http:\S+/.exec(greeting)?.[0];
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'qwen-vl-nano-chat',
      stream: true,
      messages: [{ role: 'user', content: 'What can you see?' }],
    }),
  });
  expect(response.status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await response.text()).toMatch(/"finish_reason":"(stop|length)"[^\n]*\n\ndata: \[DONE\]\n\n$/);
  const { code, stdout } = await server.ended;
  expect(code).toBe(0);
  expect(stdout).not.toContain('What can you see?');
});
