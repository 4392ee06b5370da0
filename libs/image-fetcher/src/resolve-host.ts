import { NODATA, NOTFOUND } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { FetchFailure } from './fetch-failure.ts';

/**
 * All addresses of a name; none if there is no such name.
 *
 * @throws FetchFailure `unreachable` when nobody could be asked.
 */
export type ResolveHost = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Time for one question to one server; there is a second one. */
const QUESTION = { timeout: 2000, tries: 2 };

/**
 * Asks DNS (the servers of /etc/resolv.conf unless others are named), and only DNS: names in /etc/hosts are not found. `dns.lookup` would occupy a thread of the pool that decode steps run
 * on for as long as a hostile name server likes, and cannot be called off.
 */
export const createDnsResolver =
  (servers?: readonly string[]): ResolveHost =>
  async (hostname, signal) => {
    const resolver = new Resolver(QUESTION);
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
      signal.throwIfAborted();
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      const failure = answers.find((answer) => answer.status === 'rejected' && !isAbsence(answer.reason));
      if (addresses.length > 0 || failure?.status !== 'rejected') return addresses;
      throw new FetchFailure('unreachable', `the name ${hostname} could not be looked up`, failure.reason);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };

const isAbsence = (reason: unknown): boolean =>
  reason instanceof Error && 'code' in reason && (reason.code === NOTFOUND || reason.code === NODATA);
