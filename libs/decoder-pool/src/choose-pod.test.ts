import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePod, type PodLoad } from './choose-pod.ts';

const pods = (...requests: number[]): PodLoad[] =>
  requests.map((n, i) => ({ address: `10.0.0.${i}:1`, requests: n, slots: 8 }));

const load = fc.record({ requests: fc.nat(40), slots: fc.integer({ min: 1, max: 16 }) });
const somePods = fc
  .array(load, { minLength: 1, maxLength: 8 })
  .map((loads) => loads.map((one, i) => ({ ...one, address: `10.0.0.${i}:1` })));
const anchor = fc.nat(2 ** 31);

describe('the pod for a request', () => {
  it('is where the state of its beginning is, unless much more goes on there than elsewhere', () => {
    const known = { anchor: 1, address: '10.0.0.2:1' };
    expect(choosePod(pods(0, 0, 3, 0), known)).toMatchObject({ reason: 'prefix', pod: { address: '10.0.0.2:1' } });
    expect(choosePod(pods(0, 0, 7, 0), known)).toMatchObject({ reason: 'prefix', pod: { address: '10.0.0.2:1' } });
    expect(choosePod(pods(9, 9, 10, 9), known)).toMatchObject({ reason: 'prefix', pod: { address: '10.0.0.2:1' } });
    const elsewhere = choosePod(pods(2, 2, 8, 2), known);
    expect(elsewhere).toMatchObject({ reason: 'spill' });
    expect(elsewhere?.pod.address).not.toBe('10.0.0.2:1');
  });

  it('is the first choice of its hash when nothing is known, and the next one when that is busy', () => {
    const first = choosePod(pods(0, 0, 0, 0), { anchor: 7 });
    expect(first?.reason).toBe('hash');
    const busy = pods(0, 0, 0, 0).map((pod) => (pod.address === first?.pod.address ? { ...pod, requests: 8 } : pod));
    expect(choosePod(busy, { anchor: 7 })).toMatchObject({ reason: 'spill' });
  });

  it('is none when there are none', () => {
    expect(choosePod([], { anchor: 7 })).toBeUndefined();
  });

  it('is the same whoever asks, and stays when another one goes', () => {
    fc.assert(
      fc.property(somePods, anchor, (all, hash) => {
        const idle = all.map((pod) => ({ ...pod, requests: 0 }));
        const chosen = choosePod(idle, { anchor: hash })?.pod.address;
        expect(choosePod(idle.toReversed(), { anchor: hash })?.pod.address).toBe(chosen);
        for (const gone of idle) {
          if (gone.address === chosen) continue;
          const rest = idle.filter((pod) => pod !== gone);
          expect(choosePod(rest, { anchor: hash })?.pod.address).toBe(chosen);
        }
      }),
    );
  });

  it('has at most a quarter more than its share, unless that fits its slots', () => {
    fc.assert(
      fc.property(somePods, anchor, fc.option(fc.nat(7)), (all, hash, holder) => {
        const known = { anchor: hash, ...(holder !== null && { address: `10.0.0.${holder}:1` }) };
        const choice = choosePod(all, known);
        if (!choice) throw new Error('There are pods.');
        const { pod, reason } = choice;
        const requests = all.reduce((sum, one) => sum + one.requests, 0);
        const slots = all.reduce((sum, one) => sum + one.slots, 0);
        const share = Math.ceil((1.25 * (requests + 1) * pod.slots) / slots);
        expect(reason).not.toBe('least_loaded');
        expect(pod.requests).toBeLessThan(Math.max(pod.slots * (reason === 'prefix' ? 1 : 0.75), share));
      }),
    );
  });

  it('spreads hashes evenly', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const { address = '' } = choosePod(pods(0, 0, 0, 0), { anchor: i * 977 })?.pod ?? {};
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    expect([...counts.values()].every((count) => count > 850 && count < 1150)).toBe(true);
  });
});
