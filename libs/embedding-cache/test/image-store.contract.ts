import { hash, randomBytes } from 'node:crypto';
import { type ImageStore, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { describe, expect, it } from 'vitest';

const idOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

/** What every image store does. `open` gives one that may hold what was kept before. */
export function describeImageStore(name: string, open: () => ImageStore): void {
  describe(`${name}, as an image store`, () => {
    it('answers with the bytes that were set, all 256 of them', async () => {
      const store = open();
      const picture = Uint8Array.from([...randomBytes(20), ...Array.from({ length: 256 }, (_, i) => i)]);
      await store.set(SHARED_SCOPE, idOf(picture), picture);
      const found = await store.get(SHARED_SCOPE, idOf(picture));
      expect(Buffer.from(found ?? [])).toEqual(Buffer.from(picture));
    });

    it('misses what was never set', async () => {
      expect(await open().get(SHARED_SCOPE, idOf(randomBytes(20)))).toBeUndefined();
    });

    it('refuses bytes under the id of another picture, and goes on answering with the right ones', async () => {
      const store = open();
      const [picture, other] = [randomBytes(20), randomBytes(20)];
      await store.set(SHARED_SCOPE, idOf(picture), picture);
      const refusal = expect.objectContaining({
        code: 'invalid_request',
        message: expect.stringContaining(idOf(picture)),
      });
      await expect(store.set(SHARED_SCOPE, idOf(picture), other)).rejects.toThrow(refusal);
      const found = await store.get(SHARED_SCOPE, idOf(picture));
      expect(Buffer.from(found ?? [])).toEqual(picture);
    });

    it("finds one tenant's picture for no other tenant, and not in the shared pool", async () => {
      const store = open();
      const picture = randomBytes(20);
      await store.set(tenantScope('acme'), idOf(picture), picture);
      expect(await store.get(tenantScope('acme'), idOf(picture))).toBeDefined();
      expect(await store.get(tenantScope('umbrella'), idOf(picture))).toBeUndefined();
      expect(await store.get(SHARED_SCOPE, idOf(picture))).toBeUndefined();
    });

    it('keeps a picture of its own: who overwrites the bytes later changes nothing', async () => {
      const store = open();
      const [picture, copy] = [randomBytes(20)].flatMap((bytes) => [bytes, Buffer.from(bytes)]);
      if (!picture || !copy) throw new Error('no picture');
      await store.set(SHARED_SCOPE, idOf(copy), picture);
      picture.fill(0);
      expect(Buffer.from((await store.get(SHARED_SCOPE, idOf(copy))) ?? [])).toEqual(copy);
    });
  });
}
