import { join } from 'node:path';
import { sweepPartials } from '@eidetic/folders';

/** The name of a converted model: that of the checkpoint, and of what it is made from. */
const CONVERTED = /-[0-9a-f]{12}$/;

/** The name of the packed weights of a part. */
const PACKED = /-(vision|decoder)-[0-9a-f]{16}$/;

/** Folder of the cache with weights packed for a processor. */
export const packedIn = (cacheDirectory: string): string => join(cacheDirectory, 'packed');

/**
 * Removes from the cache what conversions and packings of whatever model left when they were killed: those of other models would stay for
 * ever. A conversion can be gone on with, for a day; a packing cannot.
 */
export const sweepCache = async (cacheDirectory: string): Promise<void> => {
  await sweepPartials(cacheDirectory, CONVERTED);
  await sweepPartials(packedIn(cacheDirectory), PACKED, 0);
};
