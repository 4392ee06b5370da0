import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Clock, SYSTEM_CLOCK } from '../src/index.ts';
import { startHangable, startPod, usable, watch } from './pods.ts';

/** Within the bounds of every wait in these tests. */
const SOON = { timeout: 10_000, interval: 10 };

describe('the pods of a service', () => {
  it('come and go with their addresses', async () => {
    const [a, b] = [await startPod(), await startPod()];
    const addresses = [a.address];
    const { set } = watch(addresses);
    await expect.poll(() => usable(set), SOON).toEqual([a.address]);
    addresses.push(b.address);
    await expect.poll(() => usable(set), SOON).toEqual([a.address, b.address].sort());
    addresses.shift();
    await expect.poll(() => usable(set), SOON).toEqual([b.address]);
  });

  it('stay when their addresses cannot be found any more, or are said to be none', async () => {
    const { address } = await startPod();
    const answers: (() => Promise<string[]>)[] = [
      async () => [address],
      () => Promise.reject(new Error('SERVFAIL')),
      async () => [],
    ];
    const { set, seen } = watch([], {
      resolve: () => (answers.shift() ?? (() => Promise.reject(new Error('SERVFAIL'))))(),
    });
    await expect.poll(() => seen.resolved.slice(0, 4), SOON).toEqual(['ok', 'failed', 'empty', 'failed']);
    expect(seen.known).toBe(1);
    await expect.poll(() => usable(set), SOON).toEqual([address]);
  });

  it('get calls once they serve and are connected, and none when they do not serve any more', async () => {
    const { server, address } = await startPod();
    server.setServing(false);
    let ready = false;
    let tries = 0;
    const { set } = watch([address], {
      connect: async () => {
        tries++;
        if (!ready) throw new Error('Not yet.');
        return 'connected';
      },
    });
    server.setServing(true);
    await expect.poll(() => tries, SOON).toBeGreaterThan(1);
    expect(usable(set)).toEqual([]);
    ready = true;
    await expect.poll(() => usable(set), SOON).toEqual([address]);
    server.setServing(false);
    await expect.poll(() => usable(set), SOON).toEqual([]);
  });

  it('are found again at the address that they had', async () => {
    const first = await startPod();
    const { set } = watch([first.address]);
    await expect.poll(() => usable(set), SOON).toEqual([first.address]);
    await first.server.stop();
    await expect.poll(() => usable(set), SOON).toEqual([]);
    await startPod(Number(first.address.split(':')[1]));
    await expect.poll(() => usable(set), SOON).toEqual([first.address]);
  });

  it('tell those who connected when they drain, and let running calls end', async () => {
    const { server, address } = await startPod();
    const ended = Promise.withResolvers<void>();
    const { set } = watch([address], {
      connect: async (_, signal) => {
        signal.addEventListener('abort', () => ended.resolve());
        return 'connected';
      },
    });
    await expect.poll(() => usable(set), SOON).toEqual([address]);
    const lease = set.candidates[0]?.begin();
    await server.drain(60_000);
    await ended.promise;
    expect(lease?.lost.aborted).toBe(false);
    lease?.end();
  });

  it('get no calls any more once they vanish without a word', async () => {
    const { address, vanish } = await startHangable((await startPod()).address);
    const { set } = watch([address]);
    await expect.poll(() => usable(set), SOON).toEqual([address]);
    vanish();
    await expect.poll(() => usable(set), SOON).toEqual([]);
  });

  it('let running calls end when their address goes, and are disconnected then', async () => {
    const [a, b] = [await startHangable((await startPod()).address), await startPod()];
    const addresses = [a.address, b.address];
    const { set } = watch(addresses);
    await expect.poll(() => usable(set).length, SOON).toBe(2);
    const lease = set.candidates.find(({ address }) => address === a.address)?.begin();
    addresses.shift();
    await expect.poll(() => usable(set), SOON).toEqual([b.address]);
    expect([lease?.lost.aborted, a.connections()]).toEqual([false, 1]);
    lease?.end();
    await expect.poll(() => a.connections(), SOON).toBe(0);
  });
});

it('ends every call when it is disposed, those at pods that have left included', async () => {
  const [a, b] = [await startPod(), await startPod()];
  const addresses = [a.address, b.address];
  const { set } = watch(addresses);
  await expect.poll(() => usable(set).length, SOON).toBe(2);
  const leases = set.candidates.map((candidate) => candidate.begin());
  addresses.shift();
  await expect.poll(() => usable(set), SOON).toEqual([b.address]);
  set[Symbol.dispose]();
  expect(leases.map(({ lost }) => lost.aborted)).toEqual([true, true]);
});

describe('a pod that hangs', () => {
  it('is noticed: its calls are given up, none follow until it answers again', async () => {
    const { address, hang } = await startHangable((await startPod()).address);
    const { set, seen } = watch([address]);
    await expect.poll(() => usable(set), SOON).toEqual([address]);
    const lease = set.candidates[0]?.begin();
    if (!lease) throw new Error('There is no pod.');
    const lost = once(lease.lost, 'abort');
    hang(true);
    await lost;
    expect(lease.lost.reason).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/does not answer/) });
    lease.end();
    expect([usable(set), seen.hung]).toEqual([[], 1]);
    hang(false);
    await expect.poll(() => usable(set), SOON).toEqual([address]);
  });
});

describe('a pod that fails', () => {
  it('gets no calls for a while, then one, then all', async () => {
    const { address } = await startPod();
    let passedMs = 0;
    const clock: Clock = { ...SYSTEM_CLOCK, now: () => Date.now() + passedMs };
    const { set, seen } = watch([address], {
      clock,
      random: () => 0,
      settings: { breaker: { failures: 2, firstOpenMs: 60_000, maxOpenMs: 60_000 } },
    });
    await expect.poll(() => usable(set), SOON).toEqual([address]);
    for (let i = 0; i < 2; i++) {
      const lease = set.candidates[0]?.begin();
      lease?.report('failed');
      lease?.end();
    }
    expect(usable(set)).toEqual([]);
    passedMs += 60_000;
    const probe = set.candidates[0]?.begin();
    expect(usable(set)).toEqual([]);
    probe?.report('ok');
    expect(usable(set)).toEqual([address]);
    expect(seen.breaker).toEqual(['open', 'half_open', 'closed']);
  });
});
