import { MAX_MESSAGE_BYTES } from '@eidetic/rpc';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupPictures } from './group-pictures.ts';
import { maxImagesPerCall } from './max-images.ts';

/** A picture of so many bytes, which nobody looks at. */
const pictureOf = (byteLength: number) => ({ bytes: { byteLength } as Uint8Array });
const MIB = 2 ** 20;

it('keeps every picture, in order, and every group within a message and the most pictures of a call', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 * MIB })), fc.integer({ min: 1, max: 5 }), (sizes, maxImages) => {
      const pictures = sizes.map(pictureOf);
      const groups = groupPictures(pictures, maxImages);
      expect(groups.flat()).toEqual(pictures);
      for (const group of groups) {
        expect(group.length).toBeGreaterThan(0);
        expect(group.length).toBeLessThanOrEqual(maxImages);
        const bytes = group.reduce((sum, picture) => sum + picture.bytes.byteLength, 0);
        if (group.length > 1) expect(bytes).toBeLessThan(MAX_MESSAGE_BYTES);
      }
    }),
  );
});

it('makes no more groups than it has to', () => {
  expect(groupPictures([], 8)).toEqual([]);
  expect(groupPictures(Array(9).fill({}), 4).map(({ length }) => length)).toEqual([4, 4, 1]);
  expect(
    groupPictures(
      [20, 11, 1, 20].map((mib) => pictureOf(mib * MIB)),
      8,
    ).map(({ length }) => length),
  ).toEqual([2, 2]);
});

it('lets as many pictures into a call as have room for their embeddings in the answer', () => {
  expect(maxImagesPerCall({ tokens: 256, hidden: 4096 })).toBe(7);
  expect(maxImagesPerCall({ tokens: 64, hidden: 320 })).toBe(256);
  expect(maxImagesPerCall({ tokens: 65_536, hidden: 8192 })).toBe(1);
});
