import { join } from 'node:path';

/** Folder of the cache that remembers which files were found whole. */
export const verifiedIn = (cacheDirectory: string): string => join(cacheDirectory, 'verified');
