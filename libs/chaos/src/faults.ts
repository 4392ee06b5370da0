import type { Cluster, ServiceProcess } from '@eidetic/launcher';

/** Something that goes wrong in a cluster, and after a while is as it was. */
export interface Fault {
  readonly name: string;
  readonly lastsMs: number;
  /** Whether connections of clients are lost with it. */
  readonly cutsClients: boolean;
  /** Brings it about; resolves, once it is there, to what ends it. */
  strike(cluster: Cluster): Promise<() => Promise<void>>;
}

/** How long faults last, in milliseconds. */
export interface FaultDurations {
  /** From the death of a process until it is started again. */
  readonly downMs: number;
  /** A service that hangs. */
  readonly hangMs: number;
  /** Both Redis stand still. */
  readonly pauseMs: number;
}

type Kind = 'gateway' | 'vision' | 'decoder';

const KINDS = {
  gateway: { name: 'a gateway', members: ({ gateways }) => gateways },
  vision: { name: 'a vision encoder', members: ({ visionEncoders }) => visionEncoders },
  decoder: { name: 'a decoder', members: ({ decoders }) => decoders },
} as const satisfies Record<Kind, { name: string; members: (cluster: Cluster) => readonly ServiceProcess[] }>;

/**
 * Every fault once: each kind of process killed, both Redis killed (the queue's keeps its data, the cache's loses it) or at a
 * standstill, a vision encoder and a decoder that hang.
 *
 * @param turn which of the processes of a kind it meets: over several turns, all of them
 */
export function faultsOf({ downMs, hangMs, pauseMs }: FaultDurations, turn: number): readonly Fault[] {
  const memberOf = (kind: Kind, cluster: Cluster): ServiceProcess => {
    const members = KINDS[kind].members(cluster);
    const member = members[turn % members.length];
    if (member) return member;
    throw new Error(`There is no ${kind} in the cluster.`);
  };
  const killed = (kind: Kind): Fault => ({
    name: `${KINDS[kind].name} is killed`,
    lastsMs: downMs,
    cutsClients: kind === 'gateway',
    async strike(cluster) {
      const member = memberOf(kind, cluster);
      await member.kill();
      return () => member.restart();
    },
  });
  const hung = (kind: Kind): Fault => ({
    name: `${KINDS[kind].name} hangs`,
    lastsMs: hangMs,
    cutsClients: false,
    async strike(cluster) {
      const member = memberOf(kind, cluster);
      member.pause();
      return async () => member.resume();
    },
  });
  return [
    killed('gateway'),
    killed('vision'),
    killed('decoder'),
    {
      name: 'both Redis are killed',
      lastsMs: downMs,
      cutsClients: false,
      async strike({ queue, cache }) {
        await Promise.all([queue.kill(), cache.kill()]);
        return async () => {
          await Promise.all([queue.restart(), cache.restart()]);
        };
      },
    },
    {
      name: 'both Redis stand still',
      lastsMs: pauseMs,
      cutsClients: false,
      async strike({ queue, cache }) {
        for (const redis of [queue, cache]) redis.pause();
        return async () => {
          for (const redis of [queue, cache]) redis.resume();
        };
      },
    },
    hung('vision'),
    hung('decoder'),
  ];
}
