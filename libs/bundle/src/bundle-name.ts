import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MANIFEST_FILE } from './open.ts';

const named = z.object({ format: z.literal('eidetic-bundle'), name: z.string() });

/** Name of the model in a bundle; undefined if the folder is none. Whether the bundle is whole is for `openBundle` to say. */
export function bundleNameOf(directory: string): string | undefined {
  try {
    return named.parse(JSON.parse(readFileSync(join(directory, MANIFEST_FILE), 'utf8'))).name;
  } catch {
    // No manifest, or not one of ours: it is something else.
    return undefined;
  }
}
