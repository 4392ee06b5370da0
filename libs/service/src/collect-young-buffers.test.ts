import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MODULE = join(import.meta.dirname, 'collect-young-buffers.ts');

it('sets what the V8 of this Node knows', async () => {
  const script = `(await import(${JSON.stringify(MODULE)})).collectYoungBuffers();`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  // V8 says there what it does not know, and goes on.
  expect(stderr).toBe('');
});
