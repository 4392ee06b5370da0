import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const training = fileURLToPath(new URL('../../training', import.meta.url));

function python(...args: readonly string[]) {
  return spawnSync('python3', ['-B', ...args], { cwd: training, encoding: 'utf8' });
}

test('the training recipe passes the checks that its machine has the packages for', { timeout: 120_000 }, (context) => {
  const isRecentEnough = 'import sys; sys.exit(sys.version_info < (3, 10))';
  context.skip(python('-c', isRecentEnough).status !== 0, 'needs python3 3.10 or newer');
  const run = python('-m', 'unittest');
  expect(run.stderr).toMatch(/^Ran [1-9]\d* tests/m);
  expect(run.status, run.stderr).toBe(0);
});
