import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeImage, probeImage } from './decode-image.ts';
import { createImagePool } from './image-pool.ts';
import { DEFAULT_IMAGE_LIMITS } from './limits.ts';
import { resizeBicubic } from './resize-bicubic.ts';

const gradient = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => i % 251);
const png = await sharp(gradient, { raw: { width: 60, height: 40, channels: 3 } })
  .png()
  .toBuffer();
const large = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

describe('createImagePool', () => {
  const pool = createImagePool({ threads: 1, limits: { ...DEFAULT_IMAGE_LIMITS, maxSide: 5000 } });
  afterAll(() => pool.close());

  it('decodes and resizes', async () => {
    const image = await pool.resize(png, 16, 24);
    expect(image).toMatchObject({ originalWidth: 60, originalHeight: 40, pixels: { width: 16, height: 24 } });
    expect(image.pixels.data).toEqual(resizeBicubic(await decodeImage(png), 16, 24).data);
  });

  it('leaves the bytes to the caller, and may be given a view', async () => {
    const body = Buffer.concat([Buffer.alloc(100), png, Buffer.alloc(100)]);
    const view = body.subarray(100, 100 + png.length);
    const running = pool.resize(view, 8, 8);
    expect(Buffer.compare(view, png)).toBe(0);
    view.fill(0);
    expect((await running).originalWidth).toBe(60);
  });

  it("passes a thread's errors on with code, message and numbers", async () => {
    const wide = await sharp({ create: { width: 6000, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(pool.resize(wide, 8, 8)).rejects.toMatchObject({
      name: 'EideticError',
      code: 'image_too_large',
      message: expect.stringContaining('6000'),
      details: { actual: 6000, limit: 5000 },
    });
    await expect(pool.resize(Buffer.from('hello'), 8, 8)).rejects.toMatchObject({ code: 'invalid_image' });
  });

  it('drops queued and running pictures whose caller has left, and goes on with the others', async () => {
    const leaving = new AbortController();
    const left = [pool.resize(large, 224, 224, leaving.signal), pool.resize(large, 224, 224, leaving.signal)];
    const stays = pool.resize(png, 8, 8);
    leaving.abort();
    for (const picture of left) await expect(picture).rejects.toMatchObject({ code: 'cancelled' });
    expect((await stays).originalWidth).toBe(60);
  });

  it('refuses work whose caller has left already', async () => {
    await expect(pool.resize(png, 8, 8, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('tells a deadline from a caller that left', async () => {
    const late = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
    await expect(pool.resize(png, 8, 8, late)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('finishes what it accepted when it closes, and refuses the rest', async () => {
    const closing = createImagePool({ threads: 1 });
    const accepted = [closing.resize(png, 8, 8), closing.resize(large, 8, 8), closing.resize(png, 8, 8)];
    const closed = closing.close();
    await expect(closing.resize(png, 8, 8)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await Promise.all(accepted)).map((image) => image.originalWidth)).toEqual([60, 4000, 60]);
    await closed;
    await closing.close();
  });
});

it('refuses no good picture while worker threads start', async () => {
  let starting = true;
  const readers = Array.from({ length: 6 }, async () => {
    while (starting) await probeImage(png);
  });
  // Each of these threads would block what the readers use for a moment, if it set libvips up anew.
  for (let round = 0; round < 4; round++) {
    const pool = createImagePool({ threads: 3 });
    await pool.resize(png, 2, 2);
    await pool.close();
  }
  starting = false;
  await Promise.all(readers);
});
