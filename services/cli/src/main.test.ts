import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { openBundle, verifyBundle } from '@eidetic/bundle';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const CHECKPOINT = join(import.meta.dirname, '../../../models/qwen-vl-nano-chat');

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-cli-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** Runs the command; resolves for any exit code. */
async function eidetic(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args]);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe('eidetic', () => {
  it('lists its commands', async () => {
    const { code, stdout } = await eidetic('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/convert .*\n.*eval /);
  });

  it.each([
    ['EIDETIC_HTTP_PORT', /EIDETIC_HTTP_PORT: a cluster on one machine decides that itself/],
    ['EIDETIC_NO_SUCH_THING', /No service knows EIDETIC_NO_SUCH_THING/],
  ])('starts no cluster with %s set', async (name, message) => {
    process.env[name] = '1';
    onTestFinished(() => {
      delete process.env[name];
    });
    const { code, stderr } = await eidetic('up');
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('says what it does not know', async () => {
    const { code, stdout, stderr } = await eidetic('frobnicate');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^eidetic: There is no command 'frobnicate'. See 'eidetic --help'/);
    expect((await eidetic('conver')).stderr).toMatch(/Did you mean 'convert'\?/);
    expect((await eidetic('constructor')).code).toBe(2);
  });

  it('says that it was interrupted, and what is left', async () => {
    const events = watch(directory);
    const args = [join(import.meta.dirname, 'main.ts'), 'convert', CHECKPOINT, join(directory, 'bundle')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = text(child.stderr);
    for await (const { filename } of events) if (filename?.includes('.partial-')) break;
    child.kill('SIGINT');
    expect(await said).toMatch(
      /^eidetic: Interrupted\. The same conversion goes on with what is in .*bundle\.partial-/,
    );
  });

  it('converts a checkpoint in the precisions that are asked for', async () => {
    const target = join(directory, 'bundle');
    const { code, stderr } = await eidetic('convert', CHECKPOINT, target, '--decoder', 'int4', '--name', 'mine');
    // Progress is for terminals.
    expect(stderr).toMatch(/^Converted mine in .*\n$/);
    expect(code).toBe(0);
    const bundle = await openBundle(target);
    await verifyBundle(bundle);
    expect(bundle.manifest).toMatchObject({
      name: 'mine',
      vision: { precision: 'float32' },
      decoder: { precision: 'int4', headPrecision: 'int8' },
    });
  });

  it('converts a whole model to a precision, except for the parts that are named', async () => {
    const target = join(directory, 'int4');
    const { code } = await eidetic('convert', CHECKPOINT, target, '--precision', 'int4', '--head', 'float16');
    expect(code).toBe(0);
    expect((await openBundle(target)).manifest).toMatchObject({
      vision: { precision: 'int8' },
      decoder: { precision: 'int4', headPrecision: 'float16' },
    });
  });

  it.each([
    [['convert', CHECKPOINT, 'x', '--precision', '4bit'], 2, /--precision is 4bit; one of float32, /],
    [['convert', CHECKPOINT], 2, /bundle folder are needed.*\nSee 'eidetic convert --help'/],
    [['convert', CHECKPOINT, 'x', '--vision', 'int3'], 2, /--vision is int3; one of float32, float16, int8, int4/],
    [['convert', CHECKPOINT, 'x', '--decodr', 'int4'], 2, /no option --decodr; did you mean --decoder\?/],
    [['convert', '/nonexistent', 'x'], 1, /config\.json/],
  ])('refuses %j with status %i and says why', async (args, status, message) => {
    const { code, stderr } = await eidetic(...args.map((arg) => (arg === 'x' ? join(directory, 'x') : arg)));
    expect(code).toBe(status);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await readdir(directory)).toEqual([]);
  });
});
