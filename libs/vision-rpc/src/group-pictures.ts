import { MAX_MESSAGE_BYTES } from '@eidetic/rpc';
import { IMAGE_OVERHEAD_BYTES } from './max-images.ts';

/** Pictures in groups, in order, of which each fits a call: at most `maxImages`, and their bytes one message, unless it is one alone. */
export const groupPictures = <T extends { readonly bytes?: Uint8Array }>(
  pictures: readonly T[],
  maxImages: number,
): readonly (readonly T[])[] => {
  const groups: T[][] = [];
  let group: T[] = [];
  let groupBytes = 0;
  for (const picture of pictures) {
    const bytes = (picture.bytes?.byteLength ?? 0) + IMAGE_OVERHEAD_BYTES;
    if (group.length === 0 || group.length >= maxImages || groupBytes + bytes > MAX_MESSAGE_BYTES) {
      group = [];
      groupBytes = 0;
      groups.push(group);
    }
    group.push(picture);
    groupBytes += bytes;
  }
  return groups;
};
