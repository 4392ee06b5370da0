import type { EideticError } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawPrompt } from './raw-prompt.ts';

const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';
const SEEN = { kind: 'image', source: { kind: 'bytes', bytes: Buffer.from('iVBORw0KGgo=', 'base64') } };
const IMAGE_ID = 'ab'.repeat(32);
const text = (value: string) => ({ kind: 'text', text: value });

describe('rawPrompt', () => {
  it('takes pictures out of their tags, and leaves the rest as it is', () => {
    expect(rawPrompt(`A <img>${PIXEL}</img><ref>dog</ref><box>`, 'prompt')).toEqual([
      text('A '),
      SEEN,
      text('<ref>dog</ref><box>'),
    ]);
    const urls = [`eidetic://sha256/${IMAGE_ID}`, PIXEL, 'https://example.com/a.png'];
    expect(rawPrompt(urls.map((url) => `<img>${url}</img>`).join(''), 'prompt')).toEqual([
      { kind: 'image', source: { kind: 'reference', imageId: IMAGE_ID } },
      SEEN,
      { kind: 'image', source: { kind: 'url', url: 'https://example.com/a.png' } },
    ]);
  });

  it.each(['', '<img>', '</img>', '</img><img>', `</img>${PIXEL}<img>`, PIXEL, '<img', '<IMG>x</IMG>'])(
    'takes %j for text',
    (value) => {
      expect(rawPrompt(value, 'prompt')).toEqual([text(value)]);
    },
  );

  it.each([
    ['<img></img>', 'unsupported_image_source'],
    ['<img>/etc/passwd</img>', 'unsupported_image_source'],
    ['<img>file:///etc/passwd</img>', 'unsupported_image_source'],
    [`<img><img>${PIXEL}</img>`, 'unsupported_image_source'],
    ['<img>data:image/png;base64,@@@@</img>', 'invalid_image'],
  ])('refuses %j by the name of the prompt', (value, code) => {
    expect(() => rawPrompt(`x${value}`, 'prompt[1]')).toThrow(
      expect.objectContaining({ code, details: { param: 'prompt[1]' } }) as EideticError,
    );
  });

  it('gives back what it was made of, whatever the text between the pictures', () => {
    const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('<img', '</im', 'g>', '<box>'));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        fc.pre(!pieces.join('|').includes('<img>') && pieces.every((each) => !/<img>|<\/img>/.test(each)));
        const parts = rawPrompt(pieces.join(`<img>${PIXEL}</img>`), 'prompt');
        const again = parts.map((part) => (part.kind === 'text' ? part.text : `<img>${PIXEL}</img>`)).join('');
        expect(again).toBe(pieces.join(`<img>${PIXEL}</img>`));
        expect(parts.filter(({ kind }) => kind === 'image')).toHaveLength(pieces.length - 1);
      }),
    );
  });

  it('reads a million tags without a partner in one go', () => {
    const value = '<img>'.repeat(1_000_000);
    expect(rawPrompt(value, 'prompt')).toEqual([text(value)]);
  });
});
