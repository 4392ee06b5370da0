import { parsed } from '@eidetic/config';
import { type Address, type AddressRange, inRange, parseRange } from './address.ts';

/** Hosts by name, with everything below it if `subdomains` (then without the name itself), or by address. */
export type HostPattern =
  | { readonly kind: 'name'; readonly name: string; readonly subdomains: boolean }
  | { readonly kind: 'range'; readonly range: AddressRange };

/** One label or more, as the URL parser leaves them. */
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** Reads `example.com`, `*.example.com`, `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`. Undefined: none of them. */
export const parseHostPattern = (text: string): HostPattern | undefined => {
  const range = parseRange(text);
  if (range !== undefined) return { kind: 'range', range };
  const subdomains = text.startsWith('*.');
  const written = subdomains ? text.slice(2) : text;
  if (/[/:?#@\\*]/.test(written)) return undefined;
  // The same way as the names that it is compared with: lower case, Punycode.
  const name = URL.parse(`http://${written}`)?.hostname ?? '';
  // What the URL parser takes for an address is a strange way to write one.
  return NAME.test(name) && parseRange(name) === undefined ? { kind: 'name', name, subdomains } : undefined;
};

/** A setting that holds a host pattern. */
export const hostPattern = () =>
  parsed('a host such as example.com, *.example.com, 10.1.2.3 or 10.0.0.0/8', parseHostPattern);

/** Whether one of the patterns has this name, in lower case and without a dot at its end. */
export const matchesName = (patterns: readonly HostPattern[], hostname: string): boolean =>
  patterns.some(
    (pattern) =>
      pattern.kind === 'name' &&
      (pattern.subdomains ? hostname.endsWith(`.${pattern.name}`) : hostname === pattern.name),
  );

/** Whether one of the patterns has this address. */
export const matchesAddress = (patterns: readonly HostPattern[], address: Address): boolean =>
  patterns.some((pattern) => pattern.kind === 'range' && inRange(address, pattern.range));
