import { fileURLToPath } from 'node:url';
import { ChatLoad, type ChatRecord, faultsOf, type Impact, impactOf, inflict, knownChats } from '@eidetic/chaos';
import { type Measurement, OURS } from '../report.ts';
import { startCluster } from '../start-cluster.ts';
import type { Suite } from '../suite.ts';

const GOLDENS = fileURLToPath(new URL('../../../test/data/goldens', import.meta.url));
const MODEL = 'qwen-vl-nano-chat';
const CLIENTS = 3;
const DURATIONS = { downMs: 5_000, hangMs: 15_000, pauseMs: 5_000 };
/** Chats before the first fault: what is compared with. */
const CALM_CHATS = 60;
const PICTURES = 1_000;

const IMPACTS: Readonly<Record<keyof Impact, string>> = {
  recoveryMs: 'first right answer to a chat sent after it, ms',
  longestGapMs: 'longest time without a right answer, ms',
  slowestMs: 'slowest chat, ms',
};

/** What clients notice of a cluster in which processes are killed, hang and come back, one after the other, under load. */
export const chaosSuite: Suite = {
  name: 'chaos',
  async run(context) {
    await using cluster = await startCluster(context, 2);
    const chats = await knownChats(GOLDENS, PICTURES, `${process.pid}`);
    const load = new ChatLoad({
      gateways: cluster.gateways.map(({ http }) => http),
      model: MODEL,
      clients: CLIENTS,
      chat(n) {
        // Every other one is about a picture that was seen before.
        const chat = chats[n % 2 === 0 ? (n / 2) % PICTURES : Math.floor(n / 4) % PICTURES];
        if (chat) return chat;
        throw new Error('There are no chats.');
      },
    });
    await load.right(CALM_CHATS, 0);
    const calm = load.records.map(({ sentMs, endedMs }) => endedMs - sentMs);
    const impacts = new Map<string, Impact[]>();
    for (let round = 0; round < context.rounds; round++) {
      for (const fault of faultsOf(DURATIONS, round)) {
        const struck = await inflict(fault, cluster, load);
        impacts.set(fault.name, [...(impacts.get(fault.name) ?? []), impactOf(struck, load.records)]);
      }
    }
    await load.stop();
    return {
      name: 'chaos',
      title: `Faults in a cluster of two of each kind, under the load of ${CLIENTS} clients with two gateways`,
      facts: {
        'chats by how they ended': outcomesOf(load.records),
        'answers that were not right': failuresOf(load.records),
        'a killed process is away for, ms': DURATIONS.downMs,
        'a hung process hangs for, ms': DURATIONS.hangMs,
        'both Redis stand still for, ms': DURATIONS.pauseMs,
      },
      measurements: [
        { contender: 'nothing is wrong', metric: IMPACTS.slowestMs, better: 'lower', samples: [Math.max(...calm)] },
        ...[...impacts].flatMap(([fault, samples]) => measurementsOf(fault, samples)),
      ],
    };
  },
};

const outcomesOf = (records: readonly ChatRecord[]): string =>
  Object.entries(Object.groupBy(records, ({ outcome }) => outcome))
    .map(([outcome, of]) => `${outcome}: ${of.length}`)
    .join(', ');

const failuresOf = (records: readonly ChatRecord[]): string =>
  records
    .filter(({ outcome }) => outcome !== 'right')
    .map(({ outcome, detail }) => `${outcome}: ${detail}`)
    .join('; ') || 'none';

const measurementsOf = (fault: string, impacts: readonly Impact[]): readonly Measurement[] =>
  (['recoveryMs', 'longestGapMs', 'slowestMs'] as const).map((figure) => ({
    contender: OURS,
    metric: `${fault}: ${IMPACTS[figure]}`,
    better: 'lower',
    samples: impacts.map((impact) => impact[figure]),
  }));
