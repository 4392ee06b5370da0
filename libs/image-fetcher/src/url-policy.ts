import { type Address, addressKind, parseAddress } from './address.ts';
import { FetchFailure } from './fetch-failure.ts';
import { type HostPattern, matchesAddress, matchesName } from './host-pattern.ts';

/** Which URLs are fetched. */
export interface UrlPolicyOptions {
  /** Nothing but these; absent: everything that is public. */
  readonly allow?: readonly HostPattern[] | undefined;
  /** Not these, whatever else is said of them. */
  readonly deny?: readonly HostPattern[] | undefined;
  /** These may have addresses that are private to the operator: private, loopback, carrier-grade NAT, unique local. */
  readonly private?: readonly HostPattern[] | undefined;
  readonly ports: readonly number[];
}

/** Decides what is fetched: first by the URL, then by the addresses that its name has. It does nothing itself. */
export interface UrlPolicy {
  /** @throws FetchFailure `url`, `port`, `host` */
  checkUrl(url: URL): void;
  /**
   * All addresses must be good ones: a name that has a public and a private one is a trap or a mistake, and which of them is taken
   * must not be a matter of luck.
   *
   * @throws FetchFailure `address`, `host`
   */
  checkAddresses(url: URL, addresses: readonly string[]): void;
}

/** Presigned URLs have 1 to 2 KiB. */
const MAX_URL_LENGTH = 8192;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Reads a URL as browsers do (WHATWG): strange ways to write an IPv4 address become the address.
 *
 * @throws FetchFailure `url`
 */
export const parseUrl = (text: string, base?: URL): URL => {
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text, base?.href) : null;
  if (url !== null) return url;
  throw new FetchFailure('url', `the URL is not valid, or longer than ${MAX_URL_LENGTH} characters`);
};

/** The host of a URL as names and addresses are compared: no brackets, no dots at the end. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$|\.+$/g, '');

/** The port of a URL, written or not. */
const portOf = ({ protocol, port }: URL): number => (port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port));

/** Puts the policy together. */
export const createUrlPolicy = ({ allow, deny = [], private: own = [], ports }: UrlPolicyOptions): UrlPolicy => {
  const refuseHost = (host: string): never => {
    throw new FetchFailure('host', `${host} is not among the hosts that this server fetches from`);
  };
  const allowsRanges = allow?.some(({ kind }) => kind === 'range') ?? false;

  const checkAddress = (host: string, address: Address | undefined): void => {
    const kind = address === undefined ? 'forbidden' : addressKind(address);
    const letIn = address !== undefined && (matchesName(own, host) || matchesAddress(own, address));
    if (address === undefined || kind === 'forbidden' || (kind === 'private' && !letIn)) refuseAddress(host);
    else if (matchesAddress(deny, address)) refuseHost(host);
    else if (allow !== undefined && !matchesName(allow, host) && !matchesAddress(allow, address)) refuseHost(host);
  };

  return {
    checkUrl(url) {
      if (!(url.protocol in DEFAULT_PORTS) || url.username !== '' || url.password !== '') {
        throw new FetchFailure('url', 'only http:// and https:// URLs without user name and password are fetched');
      }
      const [host, port] = [hostOf(url), portOf(url)];
      if (!ports.includes(port)) {
        throw new FetchFailure(
          'port',
          `port ${port} is not among those that this server fetches from (${ports.join(', ')})`,
        );
      }
      if (matchesName(deny, host)) refuseHost(host);
      if (allow !== undefined && !allowsRanges && !matchesName(allow, host)) refuseHost(host);
    },
    checkAddresses(url, addresses) {
      const host = hostOf(url);
      // The same words as for a private address: they do not tell which names there are inside.
      if (addresses.length === 0) refuseAddress(host);
      for (const address of addresses) checkAddress(host, parseAddress(address));
    },
  };
};

const refuseAddress = (host: string): never => {
  throw new FetchFailure('address', `${host} is not at a public address: nothing is fetched from there`);
};
