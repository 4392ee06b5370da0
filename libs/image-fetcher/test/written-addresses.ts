import { BlockList } from 'node:net';
import fc from 'fast-check';

/** IPv4 addresses that nobody outside has: IANA's registry of special-purpose addresses, multicast, and the metadata of clouds. */
export const NOT_PUBLIC: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

const blocked = new BlockList();
for (const [network, bits] of NOT_PUBLIC) blocked.addSubnet(network, bits);

const toNumber = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Four decimal parts. */
export const dotted = (address: number): string => [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join('.');

/** Any address of {@link NOT_PUBLIC}, as a number; each range as often, its first and last more often than others. */
export const notPublicIpv4 = fc.constantFrom(...NOT_PUBLIC).chain(([network, bits]) => {
  const first = toNumber(network);
  return fc.integer({ min: first, max: first + 2 ** (32 - bits) - 1 });
});

/** Any other. */
export const publicIpv4 = fc
  .integer({ min: 2 ** 24, max: 2 ** 32 - 1 })
  .filter((address) => !blocked.check(dotted(address)));

/** One number, with or without zeros in front. */
const number = (value: number): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(10, 8, 16), fc.nat(3), fc.boolean()).map(([radix, zeros, upper]) => {
    const digits = value.toString(radix);
    if (radix === 10) return digits;
    const padded = '0'.repeat(zeros) + (upper ? digits.toUpperCase() : digits);
    return radix === 8 ? `0${padded}` : `${upper ? '0X' : '0x'}${padded}`;
  });

/** The digits and dots that browsers take for ASCII ones (UTS 46), percent encoding included. */
const disguise = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    text,
    `${text}.`,
    text.replaceAll('.', '。'),
    [...text].map((each) => (/\d/.test(each) ? String.fromCodePoint(0xff10 + Number(each)) : each)).join(''),
    [...text].map((each) => `%${each.charCodeAt(0).toString(16)}`).join(''),
  );

/** Each way in which `inet_aton`, and with it the URL parser, lets an IPv4 address be written: 1 to 4 numbers, each in 3 radices. */
export const writtenIpv4 = (address: number): fc.Arbitrary<string> =>
  fc.constantFrom(1, 2, 3, 4).chain((count) => {
    const last = 8 * (5 - count);
    const parts = Array.from({ length: count - 1 }, (_, i) => (address >>> (24 - 8 * i)) & 255);
    const rest = count === 1 ? address : address % 2 ** last;
    return fc.tuple(...[...parts, rest].map(number)).chain((numbers) => disguise(numbers.join('.')));
  });

const groups = (address: number): string => `${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}`;

/** IPv6 addresses that stand for it, or carry it: mapped, NAT64 (both), compatible, translated, 6to4, Teredo. */
export const embeddedIpv4 = (address: number): readonly string[] => [
  `[::ffff:${groups(address)}]`,
  `[::FFFF:${dotted(address)}]`,
  `[0:0:0:0:0:ffff:${dotted(address)}]`,
  `[64:ff9b::${groups(address)}]`,
  `[64:ff9b:1::${groups(address)}]`,
  `[::${groups(address)}]`,
  `[::ffff:0:${groups(address)}]`,
  `[2002:${groups(address)}::1]`,
  `[2001:0:4136:e378:8000:63bf:${groups(~address >>> 0)}]`,
];
