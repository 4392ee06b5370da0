import { lookup } from 'node:dns/promises';
import { EideticError } from '@eidetic/core';

/** Finds the addresses of a service now, each `host:port`. May reject, and may find none. */
export type Resolve = () => Promise<readonly string[]>;

/** Finds the IP addresses of a host. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

// getaddrinfo rather than a query of our own: it knows /etc/hosts and the search domains that short names of a cluster need.
const lookUpAll: LookUp = (host) => lookup(host, { all: true });

const DNS = /^dns:(?:\/\/\/)?(?<host>[^\s/:]+):(?<port>\d+)$/;
const ADDRESS = /^(?:[^\s/:[\]]+|\[[\da-fA-F:.]+\]):(?<port>\d+)$/;

const isPort = (port: string | undefined): boolean => Number(port) >= 1 && Number(port) <= 65_535;

/**
 * How to find a service that a setting describes: a list of `host:port` separated by commas, which stays as it is, or
 * `dns:///host:port`, a name with an address for each pod (in Kubernetes that of a headless service).
 *
 * @throws EideticError `invalid_config` for anything else.
 */
export const parseAddresses = (text: string, lookUp: LookUp = lookUpAll): Resolve => {
  const { host, port } = DNS.exec(text)?.groups ?? {};
  if (host !== undefined && isPort(port)) {
    return async () => {
      const found = await lookUp(host);
      return found.map(({ address, family }) => (family === 6 ? `[${address}]:${port}` : `${address}:${port}`));
    };
  }
  const list = text.split(',').map((address) => address.trim());
  if (list.every((address) => isPort(ADDRESS.exec(address)?.groups?.port))) return async () => list;
  throw new EideticError(
    'invalid_config',
    `${JSON.stringify(text)} names no service; expected host:port, several of them separated by commas, or dns:///host:port.`,
  );
};
