import { readFileSync } from 'node:fs';
import { createImagePool, decodeImage, resizeBicubic } from '@eidetic/image';
import { afterAll, describe, expect, it } from 'vitest';
import { createPreprocess } from './preprocess.ts';

const wide = readFileSync(new URL('../../../test/data/goldens/images/wide.png', import.meta.url));

describe('createPreprocess', () => {
  const pool = createImagePool({ threads: 1 });
  afterAll(() => pool.close());

  it('squeezes the whole picture into a square and keeps its own size for boxes', async () => {
    const decoded = await decodeImage(wide);
    expect(decoded.width).not.toBe(decoded.height);
    const image = await createPreprocess(pool, 224)(wide);
    expect(image).toMatchObject({ originalWidth: decoded.width, originalHeight: decoded.height });
    expect(image.pixels.data).toHaveLength(224 * 224 * 3);
    expect(image.pixels).toEqual(resizeBicubic(decoded, 224, 224));
  });

  it('hands the signal on', async () => {
    const preprocess = createPreprocess(pool, 224);
    await expect(preprocess(wide, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});
