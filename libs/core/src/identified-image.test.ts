import { expect, expectTypeOf, it } from 'vitest';
import { type IdentifiedImage, identifyImage } from './identified-image.ts';

it('knows a picture by the sha256 of its bytes, and nothing else passes for one', () => {
  const bytes = Buffer.from('abc');
  // FIPS 180-2, appendix B.1.
  const imageId = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(identifyImage(bytes)).toEqual({ imageId, bytes });
  expectTypeOf<{ imageId: string; bytes: Uint8Array }>().not.toExtend<IdentifiedImage>();
});
