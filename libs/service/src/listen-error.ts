import { EideticError } from '@eidetic/core';

/**
 * Why a server cannot listen, and what to do.
 *
 * @param reason what Node.js says
 * @param settings names of the variables that choose the address
 */
export const listenError = (
  reason: unknown,
  { host, port, settings }: { readonly host: string; readonly port: number; readonly settings: string },
): EideticError => {
  const { code, message } = reason as NodeJS.ErrnoException;
  const problem =
    code === 'EADDRINUSE'
      ? `it is in use by another program. Stop that program, or set ${settings}.`
      : `${message}. Set ${settings} to an address of this machine.`;
  return new EideticError('invalid_config', `Cannot listen on ${host}:${port}: ${problem}`, { cause: reason });
};
