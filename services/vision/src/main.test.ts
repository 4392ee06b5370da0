import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Runs the program with nothing of this process's configuration. */
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<{ stdout: string }> => {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EIDETIC_'));
  const main = join(import.meta.dirname, 'main.ts');
  return promisify(execFile)(process.execPath, [main, ...args], { env: { ...Object.fromEntries(inherited), ...env } });
};

it('prints its settings on --help', async () => {
  expect((await run(['--help'])).stdout).toContain('EIDETIC_GRPC_PORT');
});

it('lists what is wrong with its configuration', async () => {
  await expect(run([], { EIDETIC_GRPC_PORT: 'x', EIDETIC_GRPC_HOTS: '::' })).rejects.toMatchObject({
    code: 1,
    stderr: [
      'The configuration is wrong:',
      '  EIDETIC_GRPC_PORT: "x" is not valid; expected a whole number from 0 to 65535',
      '  EIDETIC_GRPC_HOTS: no such setting; did you mean EIDETIC_GRPC_HOST?',
      '',
    ].join('\n'),
  });
});
