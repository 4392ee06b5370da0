import { RedisServer } from '@eidetic/launcher';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type LimiterAnswer, RedisLimiter } from '../src/index.ts';
import { MemoryLimiter } from '../src/memory-limiter.ts';
import { describeLimiter } from './limiter.contract.ts';

const PREFIX = '{test}';
const LEASE_MS = 600_000;

const resources = new AsyncDisposableStack();
let server: RedisServer;
let shared: RedisLimiter;
let client: Redis;

/** A limiter that is connected, and why it decided alone. */
const connect = async (url: string, leaseMs = LEASE_MS) => {
  const failures: string[] = [];
  const connected = Promise.withResolvers<void>();
  const limiter = new RedisLimiter({
    url,
    prefix: PREFIX,
    leaseMs,
    observer: { limiterFailed: ({ reason }) => failures.push(reason) },
    onConnection: (is) => is && connected.resolve(),
  });
  await connected.promise;
  return { limiter, failures };
};

const open = async (...args: Parameters<typeof connect>) => {
  const opened = await connect(...args);
  onTestFinished(() => opened.limiter[Symbol.dispose]());
  return opened;
};

beforeAll(async () => {
  server = resources.use(await RedisServer.start());
  client = new Redis(server.url);
  resources.defer(() => client.disconnect());
  shared = resources.use((await connect(server.url)).limiter);
});

afterAll(() => resources.disposeAsync());

/** Moves what the server keeps of a key into the past. */
const age = async (id: string, ms: number): Promise<void> => {
  const [rate, places] = [`${PREFIX}:access:rate:${id}`, `${PREFIX}:access:places:${id}`];
  const full = await client.get(rate);
  if (full !== null) await client.set(rate, String(Number(full) - ms));
  for (const place of await client.zrange(places, '0', '-1')) await client.zincrby(places, -ms, place);
};

describeLimiter('memory', () => {
  const clock = { nowMs: 0 };
  return {
    limiter: new MemoryLimiter(() => clock.nowMs),
    async advance(_, ms) {
      clock.nowMs += ms;
    },
  };
});

describeLimiter('redis', () => ({ limiter: shared, advance: age }));

const ONE_AT_A_TIME = { requestsPerMinute: 0, concurrentRequests: 1 };
const isIn = ({ allowed }: LimiterAnswer): boolean => allowed;

it('counts what several processes let in together', async () => {
  const other = (await open(server.url)).limiter;
  const limits = { requestsPerMinute: 3, concurrentRequests: 0 };
  const answers = [];
  for (const limiter of [shared, other, shared, other]) answers.push(isIn(await limiter.take('both', limits)));
  expect(answers).toEqual([true, true, true, false]);
});

it('frees the place of a process that died once its lease has run out', async () => {
  const dying = await connect(server.url);
  expect(isIn(await dying.limiter.take('orphan', ONE_AT_A_TIME))).toBe(true);
  dying.limiter[Symbol.dispose]();
  expect(isIn(await shared.take('orphan', ONE_AT_A_TIME))).toBe(false);
  await age('orphan', LEASE_MS + 1000);
  expect(isIn(await shared.take('orphan', ONE_AT_A_TIME))).toBe(true);
});

it('keeps the place of a request that takes longer than a lease', async () => {
  const { limiter } = await open(server.url, 300);
  const long = await limiter.take('long', ONE_AT_A_TIME);
  const score = (): Promise<string[]> => client.zrange(`${PREFIX}:access:places:long`, '0', '-1', 'WITHSCORES');
  const [place, until] = await score();
  await expect.poll(async () => Number((await score())[1]), { timeout: 10_000 }).toBeGreaterThan(Number(until) + 600);
  expect((await score())[0]).toBe(place);
  expect(isIn(await shared.take('long', ONE_AT_A_TIME))).toBe(false);
  if (long.allowed) long.release();
  await expect.poll(async () => isIn(await shared.take('long', ONE_AT_A_TIME))).toBe(true);
});

it('leaves nothing behind of keys that are idle', async () => {
  const answer = await shared.take('idle', { requestsPerMinute: 60, concurrentRequests: 1 });
  const names = [`${PREFIX}:access:rate:idle`, `${PREFIX}:access:places:idle`];
  for (const name of names) expect(await client.pttl(name)).toBeGreaterThan(0);
  if (answer.allowed) answer.release();
  await expect.poll(() => client.exists(names[1] ?? '')).toBe(0);
});

it.each(['kill', 'pause'] as const)('lets each process decide alone while Redis is away: %s', async (fault) => {
  const own = await RedisServer.start();
  onTestFinished(() => own[Symbol.asyncDispose]());
  const { limiter, failures } = await open(own.url);
  expect(isIn(await limiter.take('a', ONE_AT_A_TIME))).toBe(true);
  await own[fault]();
  const answers = [await limiter.take('a', ONE_AT_A_TIME), await limiter.take('a', ONE_AT_A_TIME)];
  expect(answers.map(isIn)).toEqual([true, false]);
  expect(failures).toHaveLength(2);
  if (fault === 'kill') await own.restart();
  else own.resume();
  await expect
    .poll(
      async () => {
        const before = failures.length;
        await limiter.take('b', { requestsPerMinute: 0, concurrentRequests: 0 });
        return failures.length - before;
      },
      { timeout: 20_000 },
    )
    .toBe(0);
});
