import { fileURLToPath } from 'node:url';

/** Absolute path of the folder that holds the web page: static files, to be served as they are from one origin with the API. */
export const publicDirectory: string = fileURLToPath(new URL('../public', import.meta.url));
