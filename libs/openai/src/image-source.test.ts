import { EideticError } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageSource } from './image-source.ts';

const PATH = 'messages[0].content[1].image_url.url';
const codeOf = (url: string): string => {
  try {
    imageSource(url, PATH);
  } catch (error) {
    if (error instanceof EideticError) return error.code;
  }
  return 'accepted';
};

describe('imageSource', () => {
  it('decodes any bytes of any image/* data URI, whatever its alphabet', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.constantFrom('png', 'JPEG', 'svg+xml', 'webp;q=1'),
        (bytes, type) => {
          const base64 = Buffer.from(bytes).toString('base64');
          for (const text of [base64, base64.replaceAll('+', '-').replaceAll('/', '_')]) {
            expect(imageSource(`data:image/${type};base64,${text}`, PATH)).toEqual({
              kind: 'bytes',
              bytes: Buffer.from(bytes),
            });
          }
        },
      ),
    );
  });

  it('refuses base64 with any character that does not belong', () => {
    const foreign = fc.constantFrom(' ', '\n', '%', '=', '.', '\0', 'é', '語');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3 }), fc.nat(), foreign, (bytes, at, character) => {
        const base64 = Buffer.from(bytes).toString('base64');
        const index = at % base64.replace(/=+$/, '').length;
        const broken = base64.slice(0, index) + character + base64.slice(index + 1);
        // A `=` in place of the last letter may be padding of a shorter, valid text.
        fc.pre(!/^[A-Za-z0-9+/]*={0,2}$/.test(broken));
        expect(codeOf(`data:image/png;base64,${broken}`)).toBe('invalid_image');
      }),
    );
  });

  it.each(['', 'AAA', 'AA=', 'A===', '====', 'AAAA=', 'AA\nAA'])('refuses %j, which is not whole base64', (text) => {
    expect(codeOf(`data:image/png;base64,${text}`)).toBe('invalid_image');
  });

  it('takes a reference to a picture sent before', () => {
    const imageId = '0123456789abcdef'.repeat(4);
    expect(imageSource(`eidetic://sha256/${imageId}`, PATH)).toEqual({ kind: 'reference', imageId });
  });

  it.each(['http://example.com/cat.png', 'HTTPS://example.com/cat.png?a=b#c'])('leaves %j to be fetched', (url) => {
    expect(imageSource(url, PATH)).toEqual({ kind: 'url', url });
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.com/cat.png',
    'eidetic://sha256/abc',
    `eidetic://sha256/${'A'.repeat(64)}`,
    'cat.png',
    '',
    'data:text/plain;base64,AAAA',
    'data:image/png,AAAA',
    'data:,',
    'data:image/png;base64',
  ])('refuses %j as a source', (url) => {
    expect(codeOf(url)).toBe('unsupported_image_source');
  });

  it('says which URL is wrong and what to send instead, without repeating megabytes', () => {
    const url = `ftp://example.com/${'a'.repeat(5000)}`;
    expect(() => imageSource(url, PATH)).toThrow(
      /^messages\[0\]\.content\[1\]\.image_url\.url: "ftp.{50,70} is not a picture; send the picture itself as a data URI/,
    );
  });
});
