import { ChatLoad, faultsOf, inflict, knownChats, type Struck } from '@eidetic/chaos';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { servicesOf, startCluster, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';

const CLIENTS = 3;
/** A gateway notices a service that hangs within three seconds. */
const DURATIONS = { downMs: 500, hangMs: 4000, pauseMs: 5000 };
const LIMIT = { timeout: 240_000 };

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster();
});

afterAll(() => watched[Symbol.asyncDispose]());

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    // No such process.
    return false;
  }
};

it('answers every chat rightly whatever dies, hangs or restarts, and leaves nothing behind', LIMIT, async () => {
  const { cluster, troubles } = watched;
  const [old, fresh] = await Promise.all([
    knownChats(GOLDENS_DIRECTORY, 20, 'old'),
    knownChats(GOLDENS_DIRECTORY, 400, 'fresh'),
  ]);
  const load = new ChatLoad({
    gateways: cluster.gateways.map(({ http }) => http),
    model: 'qwen-vl-nano-chat',
    clients: CLIENTS,
    chat(n) {
      const chats = n % 2 === 0 ? fresh : old;
      const chat = chats[Math.floor(n / 2) % chats.length];
      if (!chat) throw new Error('There are no chats.');
      return chat;
    },
  });
  const struck: Struck[] = [];
  const pids = new Set<number>();
  for (const fault of faultsOf(DURATIONS, 0)) {
    for (const { pid } of servicesOf(cluster)) pids.add(pid);
    struck.push(await inflict(fault, cluster, load));
  }
  for (const { pid } of servicesOf(cluster)) pids.add(pid);
  await load.stop();

  const { records } = load;
  const mayBeCut = struck.filter(({ fault }) => fault.cutsClients);
  const lost = records.filter(({ outcome, sentMs, endedMs }) => {
    const cut = outcome === 'cut' && mayBeCut.some(({ strikeMs, overMs }) => sentMs < overMs && endedMs > strikeMs);
    return outcome !== 'right' && !cut;
  });
  expect(lost).toEqual([]);
  expect(new Set(struck.map(({ fault }) => fault.name)).size).toBe(7);
  const statuses = await Promise.all(servicesOf(cluster).map((service) => service.stop()));
  expect(statuses).toEqual(statuses.map(() => 0));
  await watched[Symbol.asyncDispose]();
  expect([...pids].filter(isThere)).toEqual([]);
  expect(troubles()).toEqual([]);
});
