import ipaddr from 'ipaddr.js';

/** An address that has been parsed. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Addresses with a common beginning. */
export type AddressRange = readonly [Address, number];

/** `public`: anyone's. `private`: the operator's own, which settings may let in. `forbidden`: whatever settings say. */
export type AddressKind = 'public' | 'private' | 'forbidden';

const PRIVATE: readonly string[] = ['private', 'loopback', 'carrierGradeNat', 'uniqueLocal'];

/** What has been given to anyone at all (IANA, IPv6 Global Unicast Address Assignments). */
const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** IPv4 addresses as IPv6-only networks reach them (RFC 6052). */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** Where clouds tell a machine its secrets, beside 169.254.0.0/16: Azure, Alibaba, AWS, Google, Scaleway. */
const METADATA: ReadonlySet<string> = new Set(
  ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254', 'fd00:42::42'].map((text) =>
    ipaddr.parse(text).toString(),
  ),
);

/** An IPv6 address that only stands for an IPv4 address is that address. */
const meant = (address: Address): Address => {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
};

/** An address as DNS and the URL parser write it: IPv4 in four decimal parts, IPv6 without brackets and zone. Undefined: none. */
export const parseAddress = (text: string): Address | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return meant(ipaddr.IPv4.parse(text));
  return ipaddr.IPv6.isValid(text) && !text.includes('%') ? meant(ipaddr.IPv6.parse(text)) : undefined;
};

/** A range such as `10.0.0.0/8` or `fd00::/8`, or a single address. Undefined: neither. */
export const parseRange = (text: string): AddressRange | undefined => {
  const written = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text);
  if (written) return ipaddr.parseCIDR(text);
  const address = parseAddress(text);
  return address && [address, address.kind() === 'ipv4' ? 32 : 128];
};

/** Whether an address is in a range. */
export const inRange = (address: Address, [first, bits]: AddressRange): boolean =>
  address.kind() === first.kind() && address.match(first, bits);

/**
 * Who may have an address, by the registries of special-purpose addresses (RFC 6890, as ipaddr.js has them). Of IPv6, what is not
 * known to be global unicast is forbidden; so are 6to4 and Teredo, through which nobody offers pictures.
 */
export const addressKind = (address: Address): AddressKind => {
  if (METADATA.has(address.toString())) return 'forbidden';
  const range = address.range();
  if (PRIVATE.includes(range)) return 'private';
  const given = address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST_IPV6);
  return range === 'unicast' && given ? 'public' : 'forbidden';
};
