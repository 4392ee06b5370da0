import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mainOf, type ServiceName } from './service-process.ts';

/** A setting as a service explains it. */
export interface SettingHelp {
  readonly name: `EIDETIC_${string}`;
  /** What it is for, what is expected, and the default. */
  readonly description: string;
}

/** The `EIDETIC_*` variables that a service takes, from its `--help`: it refuses others. */
export async function settingsOf(name: ServiceName): Promise<readonly SettingHelp[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [mainOf(name), '--help']);
  const [, ...settings] = stdout.split(/^ +EIDETIC_(?=\w+$)/m);
  return settings.map((text) => {
    const [variable = '', ...description] = text.trimEnd().split('\n');
    return { name: `EIDETIC_${variable}`, description: description.join('\n') };
  });
}
