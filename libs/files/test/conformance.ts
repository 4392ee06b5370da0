import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileRecord, FileStore } from '../src/index.ts';

/** A store of its own, empty. */
export interface StorePlace {
  /** Opens it; what was kept before is there again. */
  open(): Promise<FileStore>;
  /** Bytes that nobody could read any more, staged ones included. */
  leftovers(): Promise<number>;
  remove(): Promise<void>;
}

const QUOTA = { maxFiles: 2, maxBytes: 1000 };
/** Several chunks of any adapter, and a last one that is not full. */
const BIG = Buffer.from(Uint8Array.from({ length: 1_300_001 }, (_, i) => i % 251));

const content = (...pieces: (string | Uint8Array)[]): AsyncIterable<Uint8Array> =>
  Readable.from(pieces.map((piece) => Buffer.from(piece)));
const draft = (id: string, rest: Partial<FileRecord> = {}) => ({
  id,
  tenant: 'a',
  filename: 'cat.png',
  purpose: 'vision' as const,
  createdAtMs: 1000,
  ...rest,
});
const bytesOf = async (pieces: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(pieces));

/** What every adapter of the file store does. */
export const describeFileStore = (adapter: string, createPlace: () => Promise<StorePlace>): void => {
  describe(`the ${adapter} file store`, () => {
    let place: StorePlace;
    let store: FileStore;
    beforeEach(async () => {
      place = await createPlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
      await place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store[Symbol.asyncDispose]();
      store = await place.open();
    };
    const add = async (id: string, rest: Partial<FileRecord> = {}, text = 'meow', quota?: typeof QUOTA) =>
      (await store.stage(content(text), 10_000)).commit(draft(id, rest), quota);

    it('gives back what was committed, also after it was opened anew', async () => {
      const picture = { imageId: 'ab'.repeat(32), width: 3, height: 4 };
      const record = { ...draft('file-1', { expiresAtMs: 5000, picture }), sizeBytes: BIG.length };
      const staged = await store.stage(content(BIG.subarray(0, 7), BIG.subarray(7)), BIG.length);
      expect(staged.sizeBytes).toBe(BIG.length);
      expect((await bytesOf(staged.read())).equals(BIG)).toBe(true);
      expect(await staged.commit(draft('file-1', { expiresAtMs: 5000, picture }))).toEqual(record);
      await reopen();
      expect(await store.get('file-1')).toEqual(record);
      expect((await bytesOf(store.read('file-1'))).equals(BIG)).toBe(true);
    });

    it('has nothing of what was staged and not committed', async () => {
      const staged = await store.stage(content('meow'), 100);
      expect(await store.list('a')).toEqual([]);
      expect(await store.usage('a')).toEqual({ files: 0, bytes: 0 });
      await staged.discard();
      expect(await place.leftovers()).toBe(0);
    });

    it('leaves nothing of an upload that breaks off or is too large', async () => {
      const broken = async function* () {
        yield Buffer.from('me');
        throw new Error('gone');
      };
      await expect(store.stage(broken(), 100)).rejects.toThrow('gone');
      await expect(store.stage(content('me', 'ow'), 3)).rejects.toMatchObject({ code: 'body_too_large' });
      expect(await place.leftovers()).toBe(0);
    });

    it("lists a tenant's own files, the oldest first", async () => {
      await add('file-2', { createdAtMs: 2000 });
      await add('file-1', { createdAtMs: 1000 });
      await add('file-3', { tenant: 'b' });
      expect((await store.list('a')).map(({ id }) => id)).toEqual(['file-1', 'file-2']);
      expect((await store.list('b')).map(({ id }) => id)).toEqual(['file-3']);
      expect(await store.list('')).toEqual([]);
    });

    it('keeps what an id has when it is committed again', async () => {
      await add('file-1', {}, 'first');
      expect(await add('file-1', {}, 'second one')).toMatchObject({ sizeBytes: 5 });
      expect((await bytesOf(store.read('file-1'))).toString()).toBe('first');
      expect(await store.usage('a')).toEqual({ files: 1, bytes: 5 });
    });

    it('counts what each tenant keeps, and refuses what would be too much', async () => {
      await add('file-1', {}, 'x'.repeat(600), QUOTA);
      await expect(add('file-2', {}, 'x'.repeat(401), QUOTA)).rejects.toMatchObject({ code: 'quota_exceeded' });
      await add('file-3', {}, 'x'.repeat(400), QUOTA);
      await expect(add('file-4', {}, 'x', QUOTA)).rejects.toThrow(/2 files, of at most 2/);
      await add('file-5', { tenant: 'b' }, 'x', QUOTA);
      expect(await store.usage('a')).toEqual({ files: 2, bytes: 1000 });
      await store.remove('file-1');
      expect(await store.usage('a')).toEqual({ files: 1, bytes: 400 });
      await reopen();
      expect(await store.usage('a')).toEqual({ files: 1, bytes: 400 });
    });

    it('lets no two at the same time have the last place', async () => {
      const staged = await Promise.all(['1', '2', '3'].map(() => store.stage(content('meow'), 100)));
      const commits = staged.map((each, i) => each.commit(draft(`file-${i}`), { maxFiles: 1, maxBytes: 100 }));
      const outcomes = await Promise.allSettled(commits);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('removes a file with its bytes, once', async () => {
      await add('file-1');
      expect(await store.remove('file-1')).toBe(true);
      expect(await store.remove('file-1')).toBe(false);
      expect(await store.get('file-1')).toBeUndefined();
      await expect(bytesOf(store.read('file-1'))).rejects.toMatchObject({ code: 'not_found' });
      expect(await place.leftovers()).toBe(0);
    });

    it('removes what has expired, and nothing else', async () => {
      await add('file-1', { expiresAtMs: 2000 });
      await add('file-2', { expiresAtMs: 2001 });
      await add('file-3');
      expect(await store.removeExpired(2000)).toBe(1);
      expect((await store.list('a')).map(({ id }) => id)).toEqual(['file-2', 'file-3']);
      expect(await store.removeExpired(9000)).toBe(1);
      expect(await store.removeExpired(9000)).toBe(0);
      expect(await store.usage('a')).toEqual({ files: 1, bytes: 4 });
    });
  });
};
