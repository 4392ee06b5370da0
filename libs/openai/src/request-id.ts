import { randomUUID } from 'node:crypto';

/** A caller's own id, when it is safe to log and to send back; else a new one. */
export const requestId = ({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): string => {
  const own = headers['x-request-id'];
  return typeof own === 'string' && /^[\w.:/+=-]{1,128}$/.test(own) ? own : randomUUID();
};
