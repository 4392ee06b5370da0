import { crc32, deflateSync } from 'node:zlib';
import { EideticError } from '@eidetic/core';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from './decode-image.ts';
import { DEFAULT_IMAGE_LIMITS } from './limits.ts';

const WIDTH = 48;
const HEIGHT = 32;
const noise = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24);

/** A noisy picture: compresses badly, so half a file is half a picture. */
const picture = (): Sharp => sharp(noise, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const flat = (color: string, channels: 3 | 4 = 3): Sharp =>
  sharp({ create: { width: 8, height: 4, channels, background: color } });
const firstPixel = async (bytes: Uint8Array): Promise<number[]> => [...(await decodeImage(bytes)).data.subarray(0, 3)];
const failure = (bytes: Uint8Array, limits = DEFAULT_IMAGE_LIMITS): Promise<unknown> =>
  decodeImage(bytes, limits).catch((error: unknown) => error);

describe('decodeImage', () => {
  it.each([
    ['PNG', () => picture().png()],
    ['lossless WebP', () => picture().webp({ lossless: true })],
    ['TIFF', () => picture().tiff({ compression: 'lzw' })],
    ['lossless AVIF', () => picture().avif({ lossless: true, chromaSubsampling: '4:4:4' })],
  ])('decodes %s to the very pixels', async (format, encode) => {
    const image = await decodeImage(await encode().toBuffer());
    expect([image.width, image.height]).toEqual([WIDTH, HEIGHT]);
    const worst = image.data.reduce((most, level, i) => Math.max(most, Math.abs(level - (noise[i] ?? 0))), 0);
    // AVIF converts to YCbCr and back.
    expect(worst).toBeLessThanOrEqual(format === 'lossless AVIF' ? 2 : 0);
  });

  it.each([
    ['JPEG', () => flat('#c86432').jpeg({ quality: 100, chromaSubsampling: '4:4:4' })],
    ['progressive JPEG', () => flat('#c86432').jpeg({ quality: 100, progressive: true, chromaSubsampling: '4:4:4' })],
    ['GIF', () => flat('#c86432').gif()],
    ['palette PNG', () => flat('#c86432').png({ palette: true })],
    ['16-bit PNG', () => flat('#c86432').toColourspace('rgb16').png()],
  ])('decodes %s', async (_, encode) => {
    const pixel = await firstPixel(await encode().toBuffer());
    for (const [i, level] of [200, 100, 50].entries()) expect(Math.abs((pixel[i] ?? 0) - level)).toBeLessThanOrEqual(2);
  });

  it.each([
    ['8-bit', () => flat('#808080').toColourspace('b-w').png(), 128],
    ['16-bit', () => flat('#808080').toColourspace('grey16').png(), 128],
    ['1-bit palette', () => flat('#ffffff').toColourspace('b-w').png({ palette: true, colours: 2 }), 255],
  ])('turns %s grey into RGB', async (_, encode, level) => {
    const image = await decodeImage(await encode().toBuffer());
    expect(image.data).toHaveLength(8 * 4 * 3);
    expect([...image.data].every((value) => Math.abs(value - level) <= 1)).toBe(true);
  });

  it('lays transparency on white', async () => {
    const clear = await flat('#00000000', 4).png().toBuffer();
    const half = await flat('rgba(0, 0, 0, 0.5)', 4).webp({ lossless: true }).toBuffer();
    expect(await firstPixel(clear)).toEqual([255, 255, 255]);
    expect((await firstPixel(half)).every((level) => Math.abs(level - 127) <= 1)).toBe(true);
  });

  it('turns CMYK into RGB', async () => {
    const bytes = await flat('#ff0000').toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const [red = 0, green = 255, blue = 255] = await firstPixel(bytes);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green, blue)).toBeLessThan(70);
  });

  it('ignores an RGB profile, as the reference does', async () => {
    const plain = await flat('#c86432').png().toBuffer();
    const profiled = await sharp(plain).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
    expect([...stored.subarray(0, 3)]).not.toEqual([200, 100, 50]);
    expect(await firstPixel(profiled)).toEqual([...stored.subarray(0, 3)]);
  });

  it('applies EXIF orientation', async () => {
    const left = {
      input: await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    };
    // Orientation 6: shown rotated by 90° clockwise, so the stored left half is the upper half.
    const stored = flat('#0000ff').composite([{ ...left, left: 0, top: 0 }]);
    const image = await decodeImage(await stored.withMetadata({ orientation: 6 }).png().toBuffer());
    expect([image.width, image.height]).toEqual([4, 8]);
    expect([...image.data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect([...image.data.subarray(-3)]).toEqual([0, 0, 255]);
  });

  it('shows the first frame of an animation', async () => {
    const frames = await Promise.all(['#ff0000', '#0000ff'].map((color) => flat(color).png().toBuffer()));
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    const image = await decodeImage(animation);
    expect([image.width, image.height, ...image.data.subarray(0, 3)]).toEqual([8, 4, 255, 0, 0]);
  });

  it.each([
    ['JPEG', () => picture().jpeg()],
    ['progressive JPEG', () => picture().jpeg({ progressive: true })],
    ['PNG', () => picture().png()],
    ['interlaced PNG', () => picture().png({ progressive: true })],
    ['WebP', () => picture().webp()],
    ['GIF', () => picture().gif()],
    ['TIFF', () => picture().tiff({ compression: 'none' })],
    ['AVIF', () => picture().avif()],
  ])('refuses a %s file that was cut off, wherever', async (_, encode) => {
    const bytes = await encode().toBuffer();
    for (const share of [0.1, 0.5, 0.9]) {
      expect(await failure(bytes.subarray(0, bytes.length * share))).toMatchObject({ code: 'invalid_image' });
    }
  });

  it('accepts a JPEG with bytes after its end', async () => {
    const bytes = await picture().jpeg().toBuffer();
    expect(await decodeImage(Buffer.concat([bytes, Buffer.from('trailer')]))).toEqual(await decodeImage(bytes));
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'],
    ['PDF', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj'],
    ['a PPM', 'P6 1 1 255\nabc'],
    ['a header alone', '\u0089PNG\r\n\u001a\n'],
  ])('refuses %s', async (_, text) => {
    const error = await failure(Buffer.from(text, 'latin1'));
    expect(error).toBeInstanceOf(EideticError);
    expect(error).toMatchObject({ code: 'invalid_image', message: expect.stringContaining('JPEG, PNG, WebP') });
  });

  it('answers any damage with a whole picture or with an error that says so', async () => {
    const limits = { maxBytes: 100_000, maxPixels: 1_000_000, maxSide: 2000 };
    const files = await Promise.all([
      picture().jpeg().toBuffer(),
      picture().png().toBuffer(),
      picture().webp().toBuffer(),
      picture().gif().toBuffer(),
      picture().tiff().toBuffer(),
      picture().avif().toBuffer(),
    ]);
    const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255));
    const damaged = fc.tuple(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(damaged, async ([file, changes]) => {
        const bytes = new Uint8Array(file);
        for (const [place, value] of changes) bytes[Math.floor(place * bytes.length)] = value;
        const result = await decodeImage(bytes, limits).catch((error: unknown) => EideticError.from(error).code);
        if (typeof result === 'string') expect(['invalid_image', 'image_too_large']).toContain(result);
        else expect(result.data).toHaveLength(result.width * result.height * 3);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the memory of decoded pictures back', async () => {
    const bytes = await sharp({ create: { width: 2000, height: 1500, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 60; i++) await decodeImage(bytes);
    // Together the 60 pictures are 540 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(300e6);
  });

  it('refuses too many bytes unopened', async () => {
    const error = await failure(new Uint8Array(11), { ...DEFAULT_IMAGE_LIMITS, maxBytes: 10 });
    expect(error).toMatchObject({ code: 'image_too_large', details: { actual: 11, limit: 10 } });
  });

  it('refuses a 100-megapixel bomb from its header', async () => {
    // Its pixel data is broken: had any of it been decoded, the answer would be invalid_image.
    const error = await failure(pngWithoutPixels(10_000, 10_000));
    expect(error).toMatchObject({ code: 'image_too_large', details: { actual: 100_000_000, limit: 50_000_000 } });
  });

  it('refuses a side that is too long', async () => {
    const error = await failure(pngWithoutPixels(1, 40_000));
    expect(error).toMatchObject({ code: 'image_too_large', details: { actual: 40_000, limit: 32_768 } });
  });
});

/** A PNG whose header promises pixels that are not there. */
function pngWithoutPixels(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1');
  const pixels = deflateSync(Buffer.alloc(1));
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', pixels),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
