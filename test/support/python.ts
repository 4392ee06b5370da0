import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The Python that scripts/install-python-clients.sh sets up. */
export const PYTHON = join(import.meta.dirname, '../../.cache/python/bin/python');

/** Whether it is there; without Python 3 on the machine it is not. */
export const hasPython = existsSync(PYTHON);

/** Names a group of tests, and says why they are skipped if they are. */
export const inPython = (name: string): string =>
  hasPython ? name : `${name} (skipped: no ${PYTHON}; install Python 3 and run scripts/install-python-clients.sh)`;

/** Runs a program and gives what it writes; rejects with what it complains about. */
export const runPython = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(PYTHON, args)).stdout;
