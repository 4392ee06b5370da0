import { fileURLToPath } from 'node:url';

/**
 * Absolute path of the folder that holds the built page, to be served as it is from one origin with the API. Files under
 * `assets` have a hash of their content in their names. The folder is there after `make setup`.
 */
export const pageDirectory: string = fileURLToPath(new URL('../dist/page', import.meta.url));
