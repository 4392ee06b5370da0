import { hostname } from 'node:os';

/** Whether the process that a folder belongs to runs; of one of another machine nothing can be known from here. */
export type OwnerState = 'running' | 'gone' | 'elsewhere';

/** What the names of this process's folders say of it: `<host>-<pid>`. */
export const processOwner = (): string => `${hostname()}-${process.pid}`;

/**
 * Whether the process that a folder belongs to runs. Containers are machines of their own; those of one name that share folders, but no
 * processes, cannot be told apart.
 *
 * @param owner as {@link processOwner} wrote it
 * @param isMine whether this process has such a folder: an earlier process of this machine, or of this container before it was started
 *   again, may have had the same number
 */
export function ownerState(owner: string, isMine: boolean): OwnerState {
  const [, host, digits] = /^(.+)-(\d+)$/.exec(owner) ?? [];
  if (host !== hostname()) return 'elsewhere';
  const pid = Number(digits);
  const runs = pid === process.pid ? isMine : isRunning(pid);
  return runs ? 'running' : 'gone';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
