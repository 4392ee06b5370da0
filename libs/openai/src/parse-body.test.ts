import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlinePicture } from './inline-picture.ts';
import { parseBody } from './parse-body.ts';

/** A picture of so many bytes as a data URI. */
const dataUri = (size: number, type = 'png'): string =>
  `data:image/${type};base64,${Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) % 256)).toString('base64')}`;
const LARGE = dataUri(5000);
const parse = (json: string): unknown => parseBody(Buffer.from(json), JSON.parse);

/** How many pictures there are in a value. */
const count = (value: unknown): number =>
  value instanceof InlinePicture
    ? 1
    : typeof value === 'object' && value !== null
      ? Object.values(value).reduce<number>((sum, inner) => sum + count(inner), 0)
      : 0;

const asSent = (value: unknown): unknown =>
  value instanceof InlinePicture
    ? value.toString()
    : Array.isArray(value)
      ? value.map(asSent)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asSent(inner)]))
        : value;

describe('parseBody', () => {
  it('decodes large pictures where messages have them', () => {
    const picture = { type: 'image_url', image_url: { url: LARGE } };
    const parsed = parse(JSON.stringify({ messages: [{ content: [picture, picture] }] })) as {
      messages: [{ content: { image_url: { url: InlinePicture } }[] }];
    };
    for (const { image_url } of parsed.messages[0].content) {
      expect(image_url.url).toBeInstanceOf(InlinePicture);
      expect(image_url.url.header).toBe('data:image/png;base64');
      expect(`${image_url.url}`).toBe(LARGE);
    }
  });

  it('decodes pictures of any size', () => {
    for (const size of [5000, 24_576, 24_577, 24_578, 100_000]) {
      const url = dataUri(size);
      const parsed = parse(JSON.stringify({ image_url: { url } })) as { image_url: { url: InlinePicture } };
      expect(parsed.image_url.url).toBeInstanceOf(InlinePicture);
      expect(`${parsed.image_url.url}`).toBe(url);
    }
  });

  it.each([
    ['a small picture', { image_url: { url: dataUri(30) } }],
    ['a picture elsewhere', { text: LARGE, image_url: LARGE, url: LARGE, list: [LARGE, { image_url: [LARGE] }] }],
    ['a picture among text', { image_url: { url: `see ${LARGE}` }, text: `${LARGE} and ${LARGE}, "${LARGE}"` }],
    ['text after a picture', { image_url: { url: `${LARGE} ` } }],
    ['two pictures in one', { image_url: { url: LARGE + LARGE } }],
    ['a picture as a key', { a: 1, [LARGE]: 2, 1: 3, [`${LARGE}x`]: { [LARGE]: LARGE } }],
    ['the URL-safe alphabet', { image_url: { url: `${LARGE.slice(0, -8)}-_-_AAAA` } }],
    ['base64 that ends in bits of nothing', { image_url: { url: `${dataUri(5001).slice(0, -4)}AB==` } }],
    ['base64 that is cut off', { image_url: { url: LARGE.slice(0, -1) } }],
    [
      'base64 that is broken in a piece of it',
      { image_url: { url: `${dataUri(60_000).slice(0, 50_000)}*${dataUri(60_000).slice(50_001)}` } },
    ],
    [
      'base64 that ends early',
      { image_url: { url: `${dataUri(60_000).slice(0, 50_000)}==${dataUri(60_000).slice(50_002)}` } },
    ],
    ['what is not base64', { image_url: { url: `${LARGE.slice(0, -4)}A A=` } }],
    ['another header', { image_url: { url: LARGE.replace(';base64', ';a=b;base32') } }],
  ])('leaves %s as it is', (_, value) => {
    const json = JSON.stringify(value);
    expect(parse(json)).toEqual(JSON.parse(json));
    expect(JSON.stringify(parse(json))).toBe(json.replaceAll('\\/', '/'));
  });

  it('leaves escapes and what stands before a string alone', () => {
    for (const json of [
      `{"image_url": {"url": "${LARGE.replaceAll('/', '\\/')}"}}`,
      `{"a": "\\"${LARGE}\\"", "b": "\\\\"}`,
      `{"a": "${LARGE}\\u0022${LARGE}"}`,
      `\t[ "${LARGE}" ,\n{"image_url":{"url":"\\u0064${LARGE.slice(1)}"}}]`,
    ]) {
      expect(asSent(parse(json))).toEqual(JSON.parse(json));
    }
  });

  it.each([
    `{"a": ${LARGE}}`,
    `{"a": "b"${LARGE}"}`,
    `{"image_url": {"url": "${LARGE}`,
    `{"image_url": {"url": "${LARGE}"}`,
    `["${LARGE}",]`,
    LARGE,
  ])('throws what JSON.parse throws of JSON that is none', (json) => {
    const messageOf = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return String(error);
      }
      return 'nothing thrown';
    };
    expect(messageOf(() => parse(json))).toBe(messageOf(() => JSON.parse(json)));
  });

  it('reads JSON that is deeper than the stack', () => {
    const deep = `${'['.repeat(100_000)}{"image_url":{"url":"${LARGE}"}}${']'.repeat(100_000)}`;
    let inner = parse(deep);
    while (Array.isArray(inner)) inner = inner[0];
    expect(count(inner)).toBe(1);
  });

  it('reads a million beginnings of pictures in one go', () => {
    const beginning = 'data:image/png;base64,';
    const many = { text: beginning.repeat(1_000_000), texts: Array(200_000).fill(beginning), end: '"data:image/' };
    expect(parse(JSON.stringify(many))).toEqual(many);
    const open = `"${beginning}`.repeat(1_000_000);
    expect(() => parse(open)).toThrow(SyntaxError);
  });

  it('is JSON.parse, whatever the JSON and wherever pictures stand in it', () => {
    const uri = fc.oneof(
      fc.integer({ min: 3000, max: 4000 }).map((size) => dataUri(size)),
      fc.constantFrom(LARGE, dataUri(9, 'gif'), LARGE.replaceAll('/', '_'), 'data:image/'),
    );
    const piece = fc.oneof(uri, fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('"', '\\', ',', '{', '/'));
    const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.jsonValue(),
        fc.record({ image_url: fc.record({ url: fc.oneof(uri, text) }) }),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(text, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    const escaped = (json: string): string => json.replaceAll(/(?<=[A-Za-z0-9])\//g, '\\/');
    fc.assert(
      fc.property(value, fc.boolean(), fc.nat(3), (each, slashes, indent) => {
        const plain = JSON.stringify(each, null, indent);
        const json = slashes ? escaped(plain) : plain;
        const parsed = parse(json);
        expect(asSent(parsed)).toEqual(JSON.parse(json));
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(json)));
      }),
    );
  });

  it('is JSON.parse for JSON that was damaged anywhere', () => {
    const json = JSON.stringify([{ image_url: { url: LARGE } }, { text: `"${LARGE}"` }]);
    const outcome = (run: () => unknown): unknown => {
      try {
        return asSent(run());
      } catch (error) {
        return String(error);
      }
    };
    fc.assert(
      fc.property(
        fc.nat(json.length),
        fc.nat(3),
        fc.constantFrom('', '"', '\\', ',', '=', 'é', ']'),
        (at, length, by) => {
          const damaged = json.slice(0, at) + by + json.slice(at + length);
          expect(outcome(() => parse(damaged))).toEqual(outcome(() => JSON.parse(damaged)));
        },
      ),
      { numRuns: 300 },
    );
  });
});
