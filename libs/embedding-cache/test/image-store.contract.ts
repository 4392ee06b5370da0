import { hash, randomBytes } from 'node:crypto';
import { type ImageStore, identifyImage, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { describe, expect, it } from 'vitest';

const idOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** What every image store does. `open` gives one that may hold what was kept before. */
export function describeImageStore(name: string, open: () => ImageStore): void {
  describe(`${name}, as an image store`, () => {
    it('answers with the bytes that were set, all 256 of them', async () => {
      const store = open();
      const picture = Uint8Array.from([...randomBytes(20), ...Array.from({ length: 256 }, (_, i) => i)]);
      await store.set(SHARED_SCOPE, identifyImage(picture));
      const found = await store.get(SHARED_SCOPE, idOf(picture));
      expect(Buffer.from(found ?? [])).toEqual(Buffer.from(picture));
    });

    it('misses what was never set', async () => {
      expect(await open().get(SHARED_SCOPE, idOf(randomBytes(20)))).toBeUndefined();
    });

    it("finds one tenant's picture for no other tenant, and not in the shared pool", async () => {
      const store = open();
      const picture = randomBytes(20);
      await store.set(tenantScope('acme'), identifyImage(picture));
      expect(await store.get(tenantScope('acme'), idOf(picture))).toBeDefined();
      expect(await store.get(tenantScope('umbrella'), idOf(picture))).toBeUndefined();
      expect(await store.get(SHARED_SCOPE, idOf(picture))).toBeUndefined();
    });

    it('keeps a picture of its own: who overwrites the bytes later changes nothing', async () => {
      const store = open();
      const [picture, copy] = [randomBytes(20)].flatMap((bytes) => [bytes, Buffer.from(bytes)]);
      if (!picture || !copy) throw new Error('no picture');
      await store.set(SHARED_SCOPE, identifyImage(picture));
      picture.fill(0);
      expect(Buffer.from((await store.get(SHARED_SCOPE, idOf(copy))) ?? [])).toEqual(copy);
    });
  });
}
