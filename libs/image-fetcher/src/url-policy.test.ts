import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dotted, embeddedIpv4, NOT_PUBLIC, notPublicIpv4, publicIpv4, writtenIpv4 } from '../test/written-addresses.ts';
import { FetchFailure } from './fetch-failure.ts';
import { parseHostPattern } from './host-pattern.ts';
import { createUrlPolicy, hostOf, parseUrl, type UrlPolicyOptions } from './url-policy.ts';

type Lists = Partial<Record<'allow' | 'deny' | 'private', readonly string[]>>;

const policyOf = ({ allow, deny, private: own }: Lists = {}, ports: UrlPolicyOptions['ports'] = [80, 443]) => {
  const patterns = (texts: readonly string[] | undefined) => texts?.flatMap((text) => parseHostPattern(text) ?? []);
  return createUrlPolicy({ allow: patterns(allow), deny: patterns(deny), private: patterns(own), ports });
};

/** Why a URL is refused whose name has these addresses, or that has one itself; `fine` if it is not. */
const judge = (text: string, lists?: Lists, addresses?: readonly string[]): string => {
  const policy = policyOf(lists);
  try {
    const url = parseUrl(text);
    policy.checkUrl(url);
    policy.checkAddresses(url, addresses ?? [hostOf(url)]);
  } catch (error) {
    if (error instanceof FetchFailure) return error.reason;
    throw error;
  }
  return 'fine';
};

describe('an IPv4 address', () => {
  it('that is not public is refused, however it is written', () => {
    fc.assert(
      fc.property(
        notPublicIpv4.chain((address) => writtenIpv4(address)),
        (host) => {
          expect(judge(`http://${host}/`)).toBe('address');
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('that is not public is refused in every IPv6 address that stands for it', () => {
    fc.assert(
      fc.property(notPublicIpv4, (address) => {
        for (const host of embeddedIpv4(address)) expect(judge(`http://${host}/`), host).toBe('address');
      }),
      { numRuns: 1000 },
    );
  });

  it('that is the first or last of a range is refused, and not the one before or after', () => {
    const inSome = (address: number) =>
      NOT_PUBLIC.some(([network, bits]) => dotted(address - (address % 2 ** (32 - bits))) === network);
    for (const [network, bits] of NOT_PUBLIC) {
      const first = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
      const end = first + 2 ** (32 - bits);
      for (const address of [first - 1, first, end - 1, end]) {
        if (address < 0 || address >= 2 ** 32) continue;
        expect(judge(`http://${dotted(address)}/`), dotted(address)).toBe(inSome(address) ? 'address' : 'fine');
      }
    }
  });

  it('that is public is fine, however it is written', () => {
    fc.assert(
      fc.property(
        publicIpv4.chain((address) => writtenIpv4(address)),
        (host) => {
          expect(judge(`http://${host}/`)).toBe('fine');
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('that is public is fine in the IPv6 addresses that are another way to write it, and in no other', () => {
    fc.assert(
      fc.property(publicIpv4, (address) => {
        const found = embeddedIpv4(address).map((host) => judge(`http://${host}/`));
        expect(found).toEqual(['fine', 'fine', 'fine', 'fine', ...Array.from({ length: 5 }, () => 'address')]);
      }),
    );
  });
});

describe('an IPv6 address', () => {
  it.each([
    '::',
    '::1',
    '100::1',
    '2001:2::1',
    '2001:10::1',
    '2001:db8::1',
    '2002::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fdff:ffff::1',
    'fe80::1',
    'fec0::1',
    'feff::1',
    'ff02::1',
    'ff0e::1',
  ])('%s is refused', (address) => {
    expect(judge(`http://[${address}]/`)).toBe('address');
    expect(judge('http://name.test/', {}, [address])).toBe('address');
  });

  it('outside of 2000::/3 is refused, whatever stands there', () => {
    fc.assert(
      fc.property(
        fc.ipV6().filter((text) => !/^[23][0-9a-f]{3}:/i.test(text) && !text.includes('.')),
        (address) => {
          // NAT64 and mapped addresses have tests of their own.
          fc.pre(!/^(64:ff9b:|::ffff:|0{1,4}:)/i.test(address));
          expect(judge(`http://[${address}]/`)).toBe('address');
        },
      ),
    );
  });

  it.each(['2606:4700:4700::1111', '2a00:1450:4001:80e::2004'])('%s is fine', (address) => {
    expect(judge(`https://[${address}]/`)).toBe('fine');
  });
});

describe('a URL', () => {
  it.each([
    ['http://user@example.com/', 'url'],
    ['http://user:secret@example.com/', 'url'],
    ['http://:secret@example.com/', 'url'],
    ['http://example.com:80@127.0.0.1/', 'url'],
    ['http://127.0.0.1\\@example.com/', 'address'],
    ['http://127.0.0.1#@example.com/', 'address'],
    ['http://127.0.0.1?@example.com/', 'address'],
    ['http://example.com%40127.0.0.1/', 'url'],
    ['http:127.0.0.1', 'address'],
    ['http:/127.0.0.1', 'address'],
    ['http:\\\\127.0.0.1', 'address'],
    ['http://////127.0.0.1', 'address'],
    ['ht\ntp://127.0.0.1/', 'address'],
    ['  http://127.0.0.1/  ', 'address'],
    ['http://1.2.3.4.5/', 'url'],
    ['http://256.1.1.1/', 'url'],
    ['http://4294967296/', 'url'],
    ['http://0x100000000/', 'url'],
    ['http://[::1%25eth0]/', 'url'],
    ['http://[::1', 'url'],
    ['http://', 'url'],
    ['http://exa mple.com/', 'url'],
    ['http://example.com\0.evil.test/', 'url'],
    ['//example.com/', 'url'],
    ['file:///etc/passwd', 'url'],
    ['file://example.com/x.png', 'url'],
    ['ftp://example.com/x.png', 'url'],
    ['gopher://127.0.0.1:6379/_FLUSHALL', 'url'],
    ['dict://127.0.0.1:11211/stats', 'url'],
    ['blob:http://example.com/x', 'url'],
    ['data:image/png;base64,AAAA', 'url'],
    ['javascript:alert(1)', 'url'],
    ['view-source:http://example.com/', 'url'],
    ['unix:/var/run/docker.sock', 'url'],
    [`http://example.com/${'a'.repeat(8200)}`, 'url'],
    ['http://example.com:22/', 'port'],
    ['http://example.com:6379/', 'port'],
    ['https://example.com:8080/', 'port'],
    ['http://example.com:0/', 'port'],
    ['http://example.com:65536/', 'url'],
  ])('%j is refused', (text, reason) => {
    expect(judge(text)).toBe(reason);
  });

  it.each([
    'http://example.com/cat.png',
    'HTTPS://EXAMPLE.com:443/a?b#c',
    'http://example.com:443/',
    'http://bücher.example/',
  ])('%j is fine', (text) => {
    expect(judge(text, {}, ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'])).toBe('fine');
  });
});

describe('a name', () => {
  const GOOD = '93.184.215.14';

  it('is refused when any of its addresses is, whichever, and when it has none, in the same words', () => {
    for (const addresses of [
      ['10.0.0.1'],
      [GOOD, '10.0.0.1'],
      ['::1', GOOD],
      [GOOD, GOOD, '169.254.169.254'],
      [],
      ['x'],
    ]) {
      const policy = policyOf();
      expect(() => policy.checkAddresses(parseUrl('http://name.test/'), addresses)).toThrow(
        /^name.test is not at a public address: nothing is fetched from there$/,
      );
    }
  });

  it('must be on the list if there is one, by name or by all its addresses', () => {
    const allow = ['example.com', '*.cdn.example', '93.184.215.0/24'];
    expect(judge('http://example.com/', { allow }, ['1.1.1.1'])).toBe('fine');
    expect(judge('http://EXAMPLE.com./', { allow }, ['1.1.1.1'])).toBe('fine');
    expect(judge('http://a.b.cdn.example/', { allow }, ['1.1.1.1'])).toBe('fine');
    expect(judge('http://other.test/', { allow }, [GOOD])).toBe('fine');
    expect(judge('http://cdn.example/', { allow }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://badexample.com/', { allow }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://notcdn.example/', { allow: ['*.cdn.example'] }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://other.test/', { allow }, [GOOD, '1.1.1.1'])).toBe('host');
    expect(judge('http://example.com/', { allow }, ['10.0.0.1'])).toBe('address');
  });

  it('is refused by the other list before anything else', () => {
    const deny = ['bad.example', '*.bad.example', '93.184.215.14'];
    expect(judge('http://bad.example./', { deny, allow: ['bad.example'] }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://bad.example../', { deny }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://a.bad.example/', { deny }, ['1.1.1.1'])).toBe('host');
    expect(judge('http://fine.example/', { deny, private: ['fine.example'] }, ['1.1.1.1', GOOD])).toBe('host');
    expect(judge('http://fine.example/', { deny }, ['1.1.1.1'])).toBe('fine');
  });

  it('may have a private address where settings say so, but never one that is nobody’s', () => {
    const own = { private: ['store.internal', '10.1.0.0/16', 'fd00:1::/32'] };
    for (const address of ['10.0.0.1', '127.0.0.1', '100.64.0.1', '192.168.1.1', '::1', 'fd12::1', '::ffff:10.0.0.1']) {
      expect(judge('http://store.internal/', own, [address]), address).toBe('fine');
      expect(judge('http://a.store.internal/', own, [address]), address).toBe('address');
    }
    expect(judge('http://any.test/', own, ['10.1.2.3', 'fd00:1::5'])).toBe('fine');
    expect(judge('http://10.1.2.3/', own)).toBe('fine');
    expect(judge('http://10.2.2.3/', own)).toBe('address');
    const everything = { private: ['store.internal', '0.0.0.0/0', '::/0'] };
    for (const address of [
      '169.254.169.254',
      'fd00:ec2::254',
      '100.100.100.200',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      'fe80::1',
    ]) {
      expect(judge('http://store.internal/', everything, [address]), address).toBe('address');
    }
  });
});
