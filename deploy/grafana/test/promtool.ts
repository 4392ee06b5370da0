import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Whether this machine has it; CI installs it (scripts/install-prometheus.sh). */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/**
 * Runs promtool in a folder with these files.
 *
 * @throws Error with what it said if it is not content.
 */
export const promtool = async (args: readonly string[], files: Readonly<Record<string, unknown>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-promtool-'));
  try {
    // JSON is YAML.
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content));
    return (await promisify(execFile)('promtool', args, { cwd: folder })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
};
