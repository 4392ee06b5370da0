import sharp from 'sharp';
import { expect, it } from 'vitest';
import { annotateImage } from './annotate-image.ts';
import { decodeImage } from './decode-image.ts';
import type { RgbImage } from './rgb-image.ts';

const corners = (x1: number, y1: number, x2: number, y2: number) => [
  { x: x1, y: y1 },
  { x: x2, y: y1 },
  { x: x2, y: y2 },
  { x: x1, y: y2 },
];

const grey = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#808080' } });

const annotated = async (bytes: Uint8Array, ...marks: Parameters<typeof annotateImage>[1]): Promise<RgbImage> =>
  decodeImage(await annotateImage(bytes, marks));

/** Largest distance of a channel from that of another colour. */
const distance = ({ data, width }: RgbImage, x: number, y: number, colour: readonly number[]): number =>
  Math.max(...colour.map((value, channel) => Math.abs((data[3 * (y * width + x) + channel] ?? 0) - value)));

const GREY = [128, 128, 128];
const VERMILION = [213, 94, 0];
const BLUE = [0, 114, 178];

it('outlines boxes in colours of their own and leaves what is in them alone', async () => {
  const picture = await grey(400, 300).png().toBuffer();
  const image = await annotated(
    picture,
    { corners: corners(50, 100, 150, 200), number: 1, text: '' },
    { corners: corners(250, 100, 350, 200), number: 2, text: '' },
  );
  expect([image.width, image.height]).toEqual([400, 300]);
  for (const [x, y] of [
    [100, 200],
    [50, 150],
    [150, 150],
  ] as const)
    expect(distance(image, x, y, VERMILION)).toBeLessThan(30);
  for (const [x, y] of [
    [300, 200],
    [250, 150],
  ] as const)
    expect(distance(image, x, y, BLUE)).toBeLessThan(30);
  for (const [x, y] of [
    [100, 150],
    [300, 150],
    [200, 250],
  ] as const)
    expect(distance(image, x, y, GREY)).toBeLessThan(12);
});

it('draws on the picture as it is shown, not as it is stored', async () => {
  // Orientation 6: stored lying, shown standing.
  const lying = await grey(400, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const image = await annotated(lying, { corners: corners(50, 300, 150, 380), number: 1, text: '' });
  expect([image.width, image.height]).toEqual([200, 400]);
  expect(distance(image, 100, 380, VERMILION)).toBeLessThan(30);
});

it('writes labels whole inside the picture, whatever stands in them', async () => {
  const picture = await grey(300, 200).png().toBuffer();
  const mark = { corners: corners(0, 0, 299, 199), number: 1 };
  const bare = await annotated(picture, { ...mark, text: '' });
  const inked = async (text: string): Promise<number> => {
    const image = await annotated(picture, { ...mark, text });
    return image.data.filter((value, i) => Math.abs(value - (bare.data[i] ?? 0)) > 40).length;
  };
  const [short, marked, long] = [await inked('a'), await inked('<b>&amp;</span>\0'), await inked('a'.repeat(5000))];
  expect(short).toBeGreaterThan(20);
  expect(marked).toBeGreaterThan(short);
  expect(long).toBeGreaterThan(short);
  // Chinese, with a font or without one, is no error.
  await inked('蒸汽火车');
});

it('paints corners that lie outside as far as there is a picture', async () => {
  const picture = await grey(40, 40).png().toBuffer();
  const quad = [
    { x: -20, y: 20 },
    { x: 20, y: -20 },
    { x: 60, y: 20 },
    { x: 20, y: 60 },
  ];
  const image = await annotated(picture, { corners: quad, number: 1, text: 'q' });
  expect([image.width, image.height]).toEqual([40, 40]);
  expect(distance(image, 20, 20, GREY)).toBeLessThan(12);
});

it('refuses what is no picture', async () => {
  await expect(annotateImage(Buffer.from('hello'), [])).rejects.toMatchObject({ code: 'invalid_image' });
});
