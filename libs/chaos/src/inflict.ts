import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '@eidetic/launcher';
import type { ChatLoad, ChatRecord } from './chat-load.ts';
import type { Fault } from './faults.ts';

/** A fault that is over. Times are milliseconds, those of `performance.now()`. */
export interface Struck {
  readonly fault: Fault;
  /** When it was there. */
  readonly strikeMs: number;
  /** When chats that were sent after its end had been answered rightly, and all had ended that it met. */
  readonly overMs: number;
}

/** What the clients noticed of a fault, in milliseconds. */
export interface Impact {
  /** From the fault to the first right answer among chats that were sent after it. */
  readonly recoveryMs: number;
  /** Longest time in which no right answer was completed. */
  readonly longestGapMs: number;
  /** Longest time that a chat took. */
  readonly slowestMs: number;
}

/** Answers by which a cluster shows that it is well again. */
const ANSWERS_AFTER = 10;

/** Brings a fault about under load, ends it, and waits until chats are answered as before and none is under way any more that it met. */
export async function inflict(fault: Fault, cluster: Cluster, load: ChatLoad): Promise<Struck> {
  const heal = await fault.strike(cluster);
  const strikeMs = performance.now();
  await delay(fault.lastsMs);
  await heal();
  await Promise.all([load.right(ANSWERS_AFTER, performance.now()), load.settled()]);
  return { fault, strikeMs, overMs: performance.now() };
}

/** What the clients whose chats are in `records` noticed of a fault. */
export function impactOf({ strikeMs, overMs }: Struck, records: readonly ChatRecord[]): Impact {
  const during = records.filter(({ sentMs, endedMs }) => endedMs > strikeMs && sentMs < overMs);
  const right = records.filter(({ outcome }) => outcome === 'right');
  const after = right.filter(({ sentMs }) => sentMs > strikeMs).map(({ endedMs }) => endedMs);
  const ends = right.map(({ endedMs }) => endedMs).toSorted((a, b) => a - b);
  const gaps = ends.map((end, i) => {
    const before = ends[i - 1] ?? end;
    return end > strikeMs && before < overMs ? end - before : 0;
  });
  return {
    recoveryMs: Math.min(...after) - strikeMs,
    longestGapMs: Math.max(0, ...gaps),
    slowestMs: Math.max(0, ...during.map(({ sentMs, endedMs }) => endedMs - sentMs)),
  };
}
