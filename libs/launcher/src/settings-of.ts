import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mainOf, type ServiceName } from './service-process.ts';

/** Names of the `EIDETIC_*` variables that a service takes: it refuses others. */
export async function settingsOf(name: ServiceName): Promise<ReadonlySet<string>> {
  const { stdout } = await promisify(execFile)(process.execPath, [mainOf(name), '--help']);
  return new Set(stdout.match(/^ +EIDETIC_\w+$/gm)?.map((line) => line.trim()));
}
