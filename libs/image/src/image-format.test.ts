import fc from 'fast-check';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { imageFormat } from './image-format.ts';

const WHITE = { create: { width: 3, height: 2, channels: 3, background: 'white' } } as const;

it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('knows %s by its first bytes', async (format) => {
  const bytes = await sharp(WHITE).toFormat(format).toBuffer();
  expect(imageFormat(bytes)).toBe(format);
  expect(imageFormat(bytes.subarray(0, 64))).toBe(format);
});

it.each([
  '',
  '<svg xmlns="http://www.w3.org/2000/svg"/>',
  '%PDF-1.7',
  '\x1f\x8b\x08',
  'RIFF1234WAVE',
  '\0\0\0\x18ftypmp42',
])('takes %j for no picture', (text) => {
  expect(imageFormat(Buffer.from(text, 'latin1'))).toBeUndefined();
});

it('takes text and markup for no picture, whatever they say', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(imageFormat(Buffer.from(`<${text}`))).toBeUndefined();
    }),
  );
});
