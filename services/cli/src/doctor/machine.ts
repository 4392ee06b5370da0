import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadText } from '@eidetic/model-loader';

/** Reads below `root`: another folder than `/` stands for another machine. */
export const readTextBelow =
  (root: string): ReadText =>
  async (path) => {
    try {
      return await readFile(join(root, path), 'utf8');
    } catch {
      // This kernel or container does not have it.
      return undefined;
    }
  };
