import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LineResult } from '../src/batch.ts';
import type { Batch, BatchQueue, BatchStore } from '../src/index.ts';

/** A place for batches, empty at first. */
export interface BatchPlace {
  /** Opens the store; what was kept before is there again. */
  openStore(): Promise<BatchStore>;
  openQueue(): Promise<BatchQueue>;
  remove(): Promise<void>;
}

const batchOf = (id: string, rest: Partial<Batch> = {}): Batch => ({
  id,
  tenant: 'a',
  endpoint: '/v1/chat/completions',
  inputFileId: 'file-1',
  metadata: { a: 'b' },
  status: 'in_progress',
  createdAtMs: 1000,
  expiresAtMs: 2000,
  total: 3,
  completed: 0,
  failed: 0,
  ...rest,
});
const resultOf = (customId: string, status = 200): LineResult => ({
  customId,
  requestId: 'r',
  response: { status, body: { text: `Ä${customId}` } },
  error: null,
});
const SOON = { timeout: 20_000, interval: 20 };

/** What every adapter for batches does. */
export const describeBatchPlace = (adapter: string, createPlace: () => Promise<BatchPlace>): void => {
  let place: BatchPlace;
  beforeEach(async () => {
    place = await createPlace();
  });
  afterEach(() => place.remove());

  describe(`the ${adapter} batch store`, () => {
    let store: BatchStore;
    beforeEach(async () => {
      store = await place.openStore();
    });
    afterEach(() => store[Symbol.asyncDispose]());
    const reopen = async (): Promise<void> => {
      await store[Symbol.asyncDispose]();
      store = await place.openStore();
    };

    it('has batches and results again after it was opened anew', async () => {
      await store.add(batchOf('batch_1'), 9);
      await store.record('batch_1', 2, resultOf('c', 500));
      await store.record('batch_1', 0, resultOf('a'));
      await reopen();
      await store.change('batch_1', (batch) => ({ ...batch, inProgressAtMs: 5 }));
      await reopen();
      expect(await store.get('batch_1')).toEqual(batchOf('batch_1', { completed: 1, failed: 1, inProgressAtMs: 5 }));
      expect([...(await store.recorded('batch_1'))].toSorted()).toEqual([0, 2]);
      expect(await Array.fromAsync(store.results('batch_1'))).toEqual([resultOf('a'), resultOf('c', 500)]);
    });

    it('keeps the first result of a line', async () => {
      await store.add(batchOf('batch_1'), 9);
      const kept = await Promise.all(['x', 'y'].map((id) => store.record('batch_1', 1, resultOf(id))));
      expect(kept).toEqual([true, false]);
      expect(await Array.fromAsync(store.results('batch_1'))).toEqual([resultOf('x')]);
      expect(await store.get('batch_1')).toMatchObject({ completed: 1, failed: 0 });
    });

    it('lets go of results when a batch has ended, and keeps its counts', async () => {
      await store.add(batchOf('batch_1'), 9);
      await store.record('batch_1', 0, resultOf('a'));
      await store.change('batch_1', (batch) => ({ ...batch, status: 'completed', endedAtMs: 7 }));
      expect(await store.record('batch_1', 1, resultOf('b'))).toBe(false);
      await reopen();
      expect(await store.get('batch_1')).toMatchObject({ status: 'completed', completed: 1, failed: 0 });
      expect(await Array.fromAsync(store.results('batch_1'))).toEqual([]);
      expect(await store.open()).toEqual([]);
    });

    it('loses no change of two at the same time', async () => {
      await store.add(batchOf('batch_1'), 9);
      const stamp = (name: 'finalizingAtMs' | 'cancellingAtMs') =>
        store.change('batch_1', (batch) => ({ ...batch, [name]: 3 }));
      await Promise.all([stamp('finalizingAtMs'), stamp('cancellingAtMs')]);
      expect(await store.get('batch_1')).toMatchObject({ finalizingAtMs: 3, cancellingAtMs: 3 });
      await expect(store.change('batch_2', (batch) => batch)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('lists by tenant and age, and bounds what a tenant has open', async () => {
      await store.add(batchOf('batch_2', { createdAtMs: 2 }), 2);
      await store.add(batchOf('batch_1', { createdAtMs: 1 }), 2);
      await expect(store.add(batchOf('batch_3'), 2)).rejects.toMatchObject({ code: 'quota_exceeded' });
      await store.add(batchOf('batch_4', { tenant: 'b', createdAtMs: 3 }), 2);
      expect((await store.list('a')).map(({ id }) => id)).toEqual(['batch_1', 'batch_2']);
      expect(await store.open()).toEqual(['batch_1', 'batch_2', 'batch_4']);
      await store.change('batch_1', (batch) => ({ ...batch, status: 'failed', endedAtMs: 9 }));
      await store.add(batchOf('batch_3'), 2);
    });

    it('forgets what ended long ago', async () => {
      await store.add(batchOf('batch_1'), 9);
      await store.add(batchOf('batch_2'), 9);
      await store.change('batch_1', (batch) => ({ ...batch, status: 'failed', endedAtMs: 9 }));
      await store.removeEnded(9);
      expect(await store.list('a')).toHaveLength(2);
      await store.removeEnded(10);
      await reopen();
      expect((await store.list('a')).map(({ id }) => id)).toEqual(['batch_2']);
    });
  });

  describe(`the ${adapter} batch queue`, () => {
    let queue: BatchQueue;
    beforeEach(async () => {
      queue = await place.openQueue();
    });
    afterEach(() => queue[Symbol.asyncDispose]());

    it('runs each batch once, however often it is added, until it has ended', async () => {
      const runs: string[] = [];
      await queue.add('batch_1');
      const held = Promise.withResolvers<void>();
      const consumer = queue.consume(async (id) => {
        runs.push(id);
        await held.promise;
        return 'ended';
      });
      await queue.add('batch_1');
      await queue.add('batch_2');
      await expect.poll(() => runs.toSorted(), SOON).toEqual(['batch_1', 'batch_2']);
      await queue.add('batch_1');
      held.resolve();
      await consumer.close();
      expect(runs).toHaveLength(2);
    });

    it('hands what was interrupted to the next who runs batches', async () => {
      await queue.add('batch_1');
      const begun = Promise.withResolvers<void>();
      const first = queue.consume(async (_, draining) => {
        begun.resolve();
        await new Promise((resolve) => draining.addEventListener('abort', resolve));
        return 'interrupted';
      });
      await begun.promise;
      await first.close();
      const again = Promise.withResolvers<string>();
      const second = queue.consume(async (id) => {
        again.resolve(id);
        return 'ended';
      });
      expect(await again.promise).toBe('batch_1');
      await second.close();
    });

    it('tries again what failed', async () => {
      let tries = 0;
      await queue.add('batch_1');
      const done = Promise.withResolvers<void>();
      const consumer = queue.consume(async () => {
        tries += 1;
        if (tries === 1) throw new Error('Redis was away');
        done.resolve();
        return 'ended';
      });
      await done.promise;
      await consumer.close();
      expect(tries).toBe(2);
    });
  });
};
