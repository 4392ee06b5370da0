import type { RefusalReason } from '@eidetic/core';
import { expect, it } from 'vitest';
import { hashApiKey } from './api-key.ts';
import type { ApiKeyEntry } from './key-file.ts';
import { createKeyedAccess } from './keyed-access.ts';
import { MemoryLimiter } from './memory-limiter.ts';

const ENTRIES: readonly Omit<ApiKeyEntry, 'sha256'>[] = [
  { id: 'plain', tenant: 'acme' },
  { id: 'other', tenant: 'acme' },
  { id: 'off', tenant: 'acme', disabled: true },
  { id: 'brief', tenant: 'acme', expires: '2030-01-01T02:00:00+02:00' },
  { id: 'slow', tenant: 'acme', requestsPerMinute: 1 },
  { id: 'free', tenant: 'acme', requestsPerMinute: 0, concurrentRequests: 0 },
];

/** Keys are `key-<id>`. */
const open = () => {
  const clock = { nowMs: Date.parse('2029-12-31T23:59:59Z') };
  const reasons: RefusalReason[] = [];
  const now = () => clock.nowMs;
  const entries = new Map(ENTRIES.map((entry) => [hashApiKey(`key-${entry.id}`), entry]));
  const access = createKeyedAccess({
    keys: {
      find(sha256) {
        const entry = entries.get(sha256);
        return entry && { ...entry, sha256 };
      },
    },
    limiter: new MemoryLimiter(now),
    defaults: { requestsPerMinute: 0, concurrentRequests: 2 },
    observer: { refused: ({ reason }) => reasons.push(reason) },
    now,
  });
  const admit = (apiKey: string | undefined, kind?: 'work' | 'look') => access.admit({ apiKey }, kind);
  return { admit, clock, reasons };
};

it('lets a key in for its tenant', async () => {
  const admission = await open().admit('key-plain');
  expect(admission.tenant).toBe('acme');
  expect(admission).not.toHaveProperty('requests');
});

it.each([
  [undefined, 'no_key'],
  ['key-none', 'unknown_key'],
  ['key-off', 'disabled_key'],
] as const)('refuses the key %s', async (key, reason) => {
  const { admit, reasons } = open();
  for (const kind of ['work', 'look'] as const) {
    await expect(admit(key, kind)).rejects.toMatchObject({ code: 'invalid_api_key' });
  }
  expect(reasons).toEqual([reason, reason]);
});

it('refuses a key from the moment on at which it expires', async () => {
  const { admit, clock, reasons } = open();
  await admit('key-brief');
  clock.nowMs += 1000;
  await expect(admit('key-brief')).rejects.toMatchObject({
    code: 'invalid_api_key',
    message: expect.stringMatching(/expired/),
  });
  expect(reasons).toEqual(['expired_key']);
});

it('refuses what goes beyond the rate of a key, and says what is left and how long to wait', async () => {
  const { admit, clock, reasons } = open();
  expect((await admit('key-slow')).requests).toEqual({ limit: 1, remaining: 0, resetMs: 60_000 });
  clock.nowMs += 20_000;
  await expect(admit('key-slow')).rejects.toMatchObject({
    code: 'rate_limited',
    message: 'The API key may ask 1 times a minute; wait 40 s.',
    details: { retryAfterMs: 40_000, limit: 1, remaining: 0, resetMs: 40_000 },
  });
  expect(reasons).toEqual(['rate']);
  expect((await admit('key-slow', 'look')).tenant).toBe('acme');
});

it('holds a key to the default where it says nothing else, each key by itself', async () => {
  const { admit, reasons } = open();
  const [first] = await Promise.all([admit('key-plain'), admit('key-plain')]);
  await expect(admit('key-plain')).rejects.toMatchObject({
    code: 'rate_limited',
    message: expect.stringMatching(/2 requests under way/),
  });
  expect(reasons).toEqual(['concurrency']);
  await admit('key-other');
  for (let i = 0; i < 10; i++) await admit('key-free');
  first?.release();
  first?.release();
  await admit('key-plain');
  await expect(admit('key-plain')).rejects.toMatchObject({ code: 'rate_limited' });
});
