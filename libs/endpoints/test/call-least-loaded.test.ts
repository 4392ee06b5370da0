import { once } from 'node:events';
import { EideticError, type ErrorCode } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { callLeastLoaded, type EndpointSet } from '../src/index.ts';
import { startHangable, startPod, usable, watch } from './pods.ts';

const SAFE = { attempts: 3, idempotent: true };

/** Pods whose session is their address's place in the list. */
const connected = async (count: number) => {
  const pods = await Promise.all(Array.from({ length: count }, () => startPod()));
  const { set } = watch(pods.map(({ address }) => address));
  await expect.poll(() => usable(set).length, { timeout: 10_000 }).toBe(count);
  return set;
};

const failing =
  (errors: readonly EideticError[]) =>
  (asked: string[] = []) =>
  async (session: string): Promise<string> => {
    const error = errors[asked.length];
    asked.push(session);
    if (error) throw error;
    return 'done';
  };

const error = (code: ErrorCode, retryAfterMs?: number): EideticError =>
  new EideticError(code, `It is ${code}.`, retryAfterMs === undefined ? {} : { details: { retryAfterMs } });

const call = (set: EndpointSet<string>, errors: readonly EideticError[], options = SAFE) => {
  const asked: string[] = [];
  return { asked, answer: callLeastLoaded(set, failing(errors)(asked), options) };
};

describe('a call to any pod', () => {
  it('goes where the fewest are in flight', async () => {
    const set = await connected(3);
    const [busy, alsoBusy, idle] = set.candidates;
    const leases = [busy?.begin(), alsoBusy?.begin()];
    await callLeastLoaded(
      set,
      async () => expect(set.candidates.find(({ address }) => address === idle?.address)?.inFlight).toBe(1),
      SAFE,
    );
    for (const lease of leases) lease?.end();
  });

  it('is repeated on another pod when it was lost and may be, or was refused', async () => {
    const set = await connected(3);
    const { asked, answer } = call(set, [error('unavailable'), error('overloaded')]);
    expect([await answer, asked.length]).toEqual(['done', 3]);
    const refused = call(set, [error('overloaded')], { attempts: 2, idempotent: false });
    expect([await refused.answer, refused.asked.length]).toEqual(['done', 2]);
  });

  it('is not repeated when it may have been done, or is at fault itself', async () => {
    const set = await connected(2);
    const lost = call(set, [error('unavailable')], { attempts: 2, idempotent: false });
    await expect(lost.answer).rejects.toMatchObject({ code: 'unavailable' });
    const wrong = call(set, [error('invalid_image')]);
    await expect(wrong.answer).rejects.toMatchObject({ code: 'invalid_image' });
    expect([lost.asked.length, wrong.asked.length]).toEqual([1, 1]);
  });

  it('is refused with the shortest wait when all pods are busy', async () => {
    const set = await connected(3);
    const busy = [900, 300, 600].map((retryAfterMs) => error('overloaded', retryAfterMs));
    await expect(call(set, busy).answer).rejects.toMatchObject({ code: 'overloaded', details: { retryAfterMs: 300 } });
  });

  it('is refused when there is no pod', async () => {
    const { set } = watch(['127.0.0.1:1']);
    await expect(call(set, []).answer).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is given up when its pod hangs', async () => {
    const { address, hang } = await startHangable((await startPod()).address);
    const { set } = watch([address]);
    await expect.poll(() => usable(set), { timeout: 10_000 }).toEqual([address]);
    const answer = callLeastLoaded(
      set,
      async (_, signal) => {
        hang(true);
        await once(signal, 'abort');
        throw signal.reason;
      },
      SAFE,
    );
    await expect(answer).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/does not answer/),
    });
  });
});
