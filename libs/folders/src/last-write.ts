import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** When something in a folder, at any depth, was last written, in milliseconds since 1970; 0 if it is not there. */
export async function lastWriteMs(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  let latest = 0;
  for (const path of [folder, ...entries.map((entry) => join(folder, entry))]) {
    const written = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    latest = Math.max(latest, written);
  }
  return latest;
}
