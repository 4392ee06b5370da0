import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { keyFile } from '../support/api-keys.ts';
import { type Failure, post } from '../support/chat-client.ts';
import { startCluster, sumOf, type WatchedCluster } from '../support/clusters.ts';

const { path, keyOf } = await keyFile({
  paced: { requestsPerMinute: 3 },
  single: { concurrentRequests: 1 },
  away: { concurrentRequests: 1 },
});

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({
    visionEncoders: 1,
    decoders: 1,
    gatewaySettings: { EIDETIC_API_KEYS_FILE: path, EIDETIC_KEY_LEASE: '1s' },
  });
});

afterAll(() => watched[Symbol.asyncDispose]());

const gateway = (which: number) => {
  const found = watched.cluster.gateways[which];
  if (found === undefined) throw new Error('there is no such gateway');
  return found;
};

const ask = (which: number, key: string, fields: object = {}): Promise<Response> =>
  post(
    gateway(which).http,
    { model: 'qwen-vl-nano-chat', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1, ...fields },
    { headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } },
  );

const statusOf = async (response: Response): Promise<number> => {
  await response.text();
  return response.status;
};

/** A request that never ends by itself: its body is waited for, and does not come. */
const hold = async (which: number, key: string): Promise<void> => {
  const headers = {
    'content-type': 'application/json',
    'content-length': '100',
    expect: '100-continue',
    authorization: `Bearer ${key}`,
  };
  const held = request(`${gateway(which).http}/v1/chat/completions`, { method: 'POST', headers });
  // It ends with its gateway, or the test.
  held.on('error', () => undefined);
  held.flushHeaders();
  await once(held, 'continue');
  onTestFinished(() => void held.destroy());
  expect(await statusOf(await ask(which, key))).toBe(429);
};

it('counts the requests of a key at all gateways together', async () => {
  const statuses = [];
  for (const which of [0, 1, 0]) statuses.push(await statusOf(await ask(which, keyOf('paced'))));
  expect(statuses).toEqual([200, 200, 200]);
  const refused = await ask(1, keyOf('paced'));
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(((await refused.json()) as Failure).error).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' });
  expect(await sumOf(watched.cluster.gateways, 'eidetic_access_refused_total', 'reason="rate"')).toBe(1);
});

it('refuses who has no key, at each of them', async () => {
  for (const which of [0, 1]) {
    const response = await ask(which, 'eid_none');
    expect([response.status, ((await response.json()) as Failure).error.code]).toEqual([401, 'invalid_api_key']);
  }
});

it('counts what is under way at all gateways together, and frees what one held that was killed', async () => {
  await hold(0, keyOf('single'));
  expect(await statusOf(await ask(1, keyOf('single')))).toBe(429);
  await gateway(0).kill();
  const status = async (): Promise<number> => statusOf(await ask(1, keyOf('single')));
  await expect.poll(status, { timeout: 20_000, interval: 200 }).toBe(200);
  await gateway(0).restart();
});

it('lets gateways keep limits by themselves while their Redis is away', async () => {
  await watched.cluster.queue.kill();
  await hold(0, keyOf('away'));
  expect(await statusOf(await ask(1, keyOf('away')))).toBe(200);
  expect(await sumOf(watched.cluster.gateways, 'eidetic_access_limiter_failures_total')).toBeGreaterThan(0);
});
