import fc from 'fast-check';
import { expect, it } from 'vitest';
import { image } from './image.ts';

const url = async (source: Parameters<typeof image>[0]): Promise<string> => (await image(source)).image_url.url;

it('carries any bytes whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100_000, size: 'max' }), async (bytes) => {
      const encoded = (await url(bytes)).replace(/^data:image\/[a-z]+;base64,/, '');
      expect(Buffer.from(encoded, 'base64')).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 20 },
  );
});

it('takes bytes of any kind', async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const expected = await url(bytes);
  expect(await url(bytes.buffer)).toBe(expected);
  expect(await url(new Blob([bytes]))).toBe(expected);
  expect(await url(Buffer.from([0, 1, 2, 3]).subarray(1))).toBe(expected);
});

it.each([
  ['image/png', '\x89PNG\r\n'],
  ['image/jpeg', '\xff\xd8\xff\xe0'],
  ['image/gif', 'GIF89a'],
  ['image/webp', 'RIFF\n\0\0\0WEBPVP8 '],
])('knows %s by how it begins', async (type, begin) => {
  expect(await url(Buffer.from(begin, 'latin1'))).toContain(`data:${type};base64,`);
});

it('believes a blob that says what it is, if it is a picture', async () => {
  expect(await url(new Blob(['x'], { type: 'image/heic' }))).toContain('data:image/heic;');
  expect(await url(new Blob(['x'], { type: 'text/html' }))).toContain('data:image/png;');
});

it('names what is elsewhere', async () => {
  const id = 'ab'.repeat(32);
  expect(await url(id)).toBe(`eidetic://sha256/${id}`);
  for (const address of [
    `eidetic://sha256/${id}`,
    'https://example.com/a.png',
    'data:image/png;base64,AA==',
    'file-12ab',
  ]) {
    expect(await url(address)).toBe(address);
  }
  expect(await url(new URL('https://example.com/a.png'))).toBe('https://example.com/a.png');
});

it.each(['photo.png', '/etc/passwd', 'file:///etc/passwd', ''])('says what to give instead of %j', async (source) => {
  await expect(image(source)).rejects.toThrow(/no picture: give its bytes/);
});
