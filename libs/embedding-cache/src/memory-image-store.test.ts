import { hash, randomBytes } from 'node:crypto';
import { identifyImage, SHARED_SCOPE } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { createMemoryImageStore } from './memory-image-store.ts';

const setUp = (maxBytes: number) => {
  const images = createMemoryImageStore({ maxBytes });
  const idOf = (picture: Uint8Array): string => hash('sha256', picture, 'hex');
  return {
    set: (picture: Uint8Array) => images.set(SHARED_SCOPE, identifyImage(picture)),
    get: (picture: Uint8Array) => images.get(SHARED_SCOPE, idOf(picture)),
  };
};

describe('createMemoryImageStore', () => {
  it('never holds more than maxBytes: the least recently used leaves', async () => {
    const { set, get } = setUp(100);
    const [a, b, c] = [
      Uint8Array.from(randomBytes(40)),
      Uint8Array.from(randomBytes(40)),
      Uint8Array.from(randomBytes(40)),
    ];
    await set(a);
    await set(b);
    await get(a);
    await set(c);
    expect(await get(b)).toBeUndefined();
    expect(await get(a)).toEqual(a);
    expect(await get(c)).toEqual(c);
  });

  it('keeps an empty picture, and nothing when it may hold nothing', async () => {
    const some = setUp(1);
    await some.set(new Uint8Array());
    expect(await some.get(new Uint8Array())).toEqual(new Uint8Array());
    const none = setUp(0);
    await none.set(Uint8Array.of(1, 2));
    expect(await none.get(Uint8Array.of(1, 2))).toBeUndefined();
  });

  it('does not hold on to the body that a picture came in', async () => {
    const { set, get } = setUp(100);
    const body = Uint8Array.from(randomBytes(1000));
    await set(body.subarray(10, 20));
    expect((await get(body.subarray(10, 20)))?.buffer.byteLength).toBe(10);
  });
});
