import type { GenerateEvent } from '@eidetic/core';
import type { DecoderPool } from '@eidetic/decoder-pool';
import { describe, expect, it } from 'vitest';
import { askLoad, startDecoderPool } from '../support/decoder-pool.ts';
import { collect, idsOf, promptOf, request, sampled } from '../support/engines.ts';
import { startRelay } from '../support/relay.ts';
import { startRpcProcess } from '../support/rpc-process.ts';

const SOON = { timeout: 20_000 };

const settings = { EIDETIC_THREADS: '1' };

/** Sampled, so that the slightest difference shows, with log probabilities, which show it even where the tokens are the same. */
const wanted = request(promptOf(40), { sampling: sampled, maxTokens: 600, logprobs: 1 });

/** Its answer grows past the trained length, which gives prompts another rotary base, but not answers. */
const growing = request(promptOf(2040), { sampling: sampled, maxTokens: 100, logprobs: 1 });

/** What a reader sees: everything but how much of the prompt was there before. */
const read = (events: readonly GenerateEvent[]) =>
  events.map((event) => (event.kind === 'prefilled' ? { ...event, cachedTokens: 0 } : event));

/** The events of an answer; `act` is called when there are 20 tokens. */
const readAnd = async (pool: DecoderPool, act: () => unknown, asked = wanted) => {
  const all: GenerateEvent[] = [];
  for await (const event of pool.generate(asked)) if (all.push(event) === 21) await act();
  return read(all);
};

/** Two decoders in processes of their own, a pool over them, an uninterrupted answer, and the decoder that such answers come from. */
const setUp = async (asked = wanted, reachedAt = async (grpc: string) => grpc) => {
  const pods = await Promise.all([1, 2].map(() => startRpcProcess('decoder', settings)));
  const addresses = await Promise.all(pods.map(({ grpc }) => reachedAt(grpc)));
  const started = await startDecoderPool(addresses);
  await expect.poll(() => started.pool.size, SOON).toBe(2);
  let running: readonly number[] = [];
  const whole = await readAnd(
    started.pool,
    async () => {
      running = (await Promise.all(addresses.map(askLoad))).map((load) => load.running);
    },
    asked,
  );
  expect(running.toSorted()).toEqual([0, 1]);
  const [pod, other] = running[0] === 1 ? pods : pods.toReversed();
  if (!pod || !other) throw new Error('There are two.');
  return { ...started, addresses, pod, other, whole };
};

describe('an answer whose decoder', () => {
  it.each([
    ['a short prompt', wanted],
    ['a prompt of nearly the trained length', growing],
  ])('is killed goes on elsewhere, the same to the bit: %s', async (_, asked) => {
    const { pool, resumed, pod, whole } = await setUp(asked);
    expect(await readAnd(pool, () => pod.child.kill('SIGKILL'), asked)).toEqual(whole);
    expect(resumed).toHaveLength(1);
    expect(resumed[0]?.tokens).toBeGreaterThanOrEqual(20);
  });

  it('loses its connection goes on elsewhere, the same to the bit, and the decoder is not lost', async () => {
    const relays: Awaited<ReturnType<typeof startRelay>>[] = [];
    const { pool, resumed, pod, whole } = await setUp(wanted, async (grpc) => {
      const relay = await startRelay(grpc);
      relays.push(relay);
      return relay.address;
    });
    const cut = (): void => relays.find(({ target }) => target === pod.grpc)?.cut();
    expect(await readAnd(pool, cut)).toEqual(whole);
    expect(resumed).toHaveLength(1);
    await expect.poll(() => askLoad(pod.grpc), SOON).toMatchObject({ running: 0, waiting: 0 });
    await expect.poll(() => pool.size, SOON).toBe(2);
  });

  it('drains ends there when there is time, and goes on elsewhere when there is not', async () => {
    const { pool, resumed, pod, other, addresses, whole } = await setUp();
    expect(await readAnd(pool, () => pod.child.kill('SIGTERM'))).toEqual(whole);
    expect(resumed).toEqual([]);
    expect(await pod.exited).toBe(0);
    const hasty = await startRpcProcess('decoder', { ...settings, EIDETIC_DRAIN_LIMIT: '1ms' });
    addresses.splice(0, 2, hasty.grpc);
    const second = await startDecoderPool(addresses);
    await readAnd(second.pool, () => addresses.push(other.grpc));
    await expect.poll(() => second.pool.size, SOON).toBe(2);
    expect(await readAnd(second.pool, () => hasty.child.kill('SIGTERM'))).toEqual(whole);
    expect(second.resumed).toHaveLength(1);
  });

  it('hangs goes on elsewhere, within the time that it takes to notice', async () => {
    const { pool, resumed, pod, whole } = await setUp();
    expect(await readAnd(pool, () => pod.child.kill('SIGSTOP'))).toEqual(whole);
    expect(resumed).toHaveLength(1);
    expect(pool.size).toBe(1);
    pod.child.kill('SIGCONT');
    await expect.poll(() => pool.size, SOON).toBe(2);
    // What it was working on was given up there as well.
    await expect.poll(() => askLoad(pod.grpc), SOON).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe('a pool of decoder processes', () => {
  it('finds one that is new, and sends it requests', async () => {
    const first = await startRpcProcess('decoder', { ...settings, EIDETIC_SLOTS: '1' });
    const addresses = [first.grpc];
    const { pool } = await startDecoderPool(addresses);
    const leaving = new AbortController();
    const long = collect(pool.generate({ ...wanted, maxTokens: 8000 }, leaving.signal));
    await expect.poll(() => askLoad(first.grpc), SOON).toMatchObject({ running: 1 });
    const second = await startRpcProcess('decoder', settings);
    addresses.push(second.grpc);
    await expect.poll(() => pool.size, SOON).toBe(2);
    const answer = pool.generate(wanted)[Symbol.asyncIterator]();
    await answer.next();
    expect(await askLoad(second.grpc)).toMatchObject({ running: 1 });
    await answer.return(undefined);
    leaving.abort();
    await expect(long).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('sends the next turn where the state of the last one is', async () => {
    const { pool, cached } = await setUp();
    const { length } = cached;
    for (const from of [3, 9, 15, 21]) {
      const prompt = promptOf(60, from);
      const answer = idsOf(await collect(pool.generate(request(prompt))));
      await collect(pool.generate(request([...prompt, ...answer, ...promptOf(10)])));
    }
    const later = cached.slice(length).filter((_, i) => i % 2 === 1);
    for (const tokens of later) expect(tokens).toBeGreaterThanOrEqual(59);
  });

  it('frees the slot when the caller leaves or the deadline passes', async () => {
    const { pool, addresses } = await setUp();
    const long = { ...wanted, maxTokens: 8000 };
    const idle = async () =>
      (await Promise.all(addresses.map(askLoad))).map(({ running, waiting }) => running + waiting);
    for await (const { kind } of pool.generate(long)) if (kind === 'token') break;
    await expect.poll(idle, SOON).toEqual([0, 0]);
    const late = collect(pool.generate({ ...long, deadlineMs: Date.now() + 300 }));
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect.poll(idle, SOON).toEqual([0, 0]);
  });

  it('says `unavailable` when all of them are down, and waits no longer than it says', async () => {
    const { pool, pod, other } = await setUp();
    const both = (): void => {
      for (const { child } of [pod, other]) child.kill('SIGKILL');
    };
    await expect(readAnd(pool, both)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(collect(pool.generate(wanted))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
