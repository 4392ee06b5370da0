import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Waiting, WaitingQueue } from './waiting-queue.ts';

interface Item extends Waiting {
  readonly name: string;
}

const item = (name: string, options: Partial<Item> = {}): Item => ({
  name,
  priority: 0,
  tenant: 'a',
  arrivedMs: 0,
  ...options,
});

const takeAll = (queue: WaitingQueue<Item>, nowMs = 0): string[] => {
  const names: string[] = [];
  for (let next = queue.take(nowMs); next; next = queue.take(nowMs)) names.push(next.name);
  return names;
};

describe('WaitingQueue', () => {
  it('is first come, first served', () => {
    const queue = new WaitingQueue<Item>(1000);
    for (const name of ['1', '2', '3']) queue.add(item(name));
    expect(takeAll(queue)).toEqual(['1', '2', '3']);
  });

  it('takes higher priorities first', () => {
    const queue = new WaitingQueue<Item>(1000);
    queue.add(item('low', { priority: -1 }));
    queue.add(item('usual'));
    queue.add(item('high', { priority: 5 }));
    expect(takeAll(queue)).toEqual(['high', 'usual', 'low']);
  });

  it('lets a low priority through once it has waited long enough, however many higher ones come', () => {
    const queue = new WaitingQueue<Item>(1000);
    queue.add(item('low', { priority: -3 }));
    const taken: string[] = [];
    for (let second = 0; second < 10 && !taken.includes('low'); second++) {
      queue.add(item(`high ${second}`, { arrivedMs: second * 1000 }));
      taken.push(queue.take(second * 1000)?.name ?? '');
    }
    expect(taken).toEqual(['high 0', 'high 1', 'high 2', 'high 3', 'low']);
  });

  it('gives the next slot to the tenant that has had the least service', () => {
    const queue = new WaitingQueue<Item>(1000);
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(item(name));
    queue.add(item('b1', { tenant: 'b' }));
    queue.add(item('b2', { tenant: 'b' }));
    const taken: string[] = [];
    for (let next = queue.take(0); next; next = queue.take(0)) {
      taken.push(next.name);
      queue.serve(next.tenant, 100);
    }
    expect(taken).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4']);
  });

  it('gives a tenant no credit for the time that it was away', () => {
    const queue = new WaitingQueue<Item>(1000);
    queue.add(item('a1'));
    queue.take(0);
    queue.serve('a', 1000);
    queue.add(item('b1', { tenant: 'b' }));
    queue.add(item('a2'));
    queue.add(item('b2', { tenant: 'b' }));
    const taken: string[] = [];
    for (let next = queue.take(0); next; next = queue.take(0)) {
      taken.push(next.name);
      queue.serve(next.tenant, 100);
    }
    // b starts level with a, not 1000 behind: it does not get both turns first.
    expect(taken).toEqual(['b1', 'a2', 'b2']);
  });

  it('forgets what tenants have had when none of them is there any more', () => {
    const queue = new WaitingQueue<Item>(1000);
    queue.add(item('a1'));
    queue.take(0);
    queue.serve('a', 1000);
    queue.leave('a');
    queue.add(item('b1', { tenant: 'b' }));
    queue.add(item('a2'));
    queue.add(item('b2', { tenant: 'b' }));
    queue.serve('b', 1);
    expect(takeAll(queue)).toEqual(['a2', 'b1', 'b2']);
  });

  it('hands out each request once, in order within priority and tenant, whatever is removed in between', () => {
    const operation = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        priority: fc.integer({ min: -1, max: 1 }),
        tenant: fc.constantFrom('a', 'b', 'c'),
      }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new WaitingQueue<Item>(5);
        const waiting: Item[] = [];
        for (const [nowMs, each] of operations.entries()) {
          if (each.kind === 'add') {
            const added = item(String(nowMs), { priority: each.priority, tenant: each.tenant, arrivedMs: nowMs });
            queue.add(added);
            waiting.push(added);
          } else if (each.kind === 'remove') {
            const [gone] = waiting.length > 0 ? waiting.splice(each.pick % waiting.length, 1) : [];
            expect(gone === undefined || queue.remove(gone)).toBe(true);
          } else {
            const taken = queue.take(nowMs);
            expect(taken === undefined).toBe(waiting.length === 0);
            if (!taken) continue;
            const alike = waiting.filter(
              ({ priority, tenant }) => priority === taken.priority && tenant === taken.tenant,
            );
            expect(taken).toBe(alike[0]);
            waiting.splice(waiting.indexOf(taken), 1);
            expect(queue.remove(taken)).toBe(false);
            queue.leave(taken.tenant);
          }
          expect([...queue].length).toBe(waiting.length);
          expect(queue.size).toBe(waiting.length);
        }
      }),
    );
  });
});
