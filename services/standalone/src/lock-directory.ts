import { hash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { EideticError } from '@eidetic/core';

/**
 * Keeps other processes of this machine from a directory for as long as this one runs. Linux lets go of the lock, a socket without
 * a file, however the process ends; elsewhere nothing is locked.
 *
 * @throws EideticError `invalid_config` if another process has it.
 */
export const lockDirectory = async (directory: string): Promise<AsyncDisposable> => {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: async () => undefined };
  const name = hash('sha256', await realpath(directory), 'hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    await once(server.listen(`\0eidetic-data-${name}`), 'listening');
  } catch (cause) {
    const message = `${directory} is in use by another process: give each its own EIDETIC_DATA_DIR.`;
    throw new EideticError('invalid_config', message, { cause });
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
};
