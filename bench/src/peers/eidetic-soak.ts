import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openBundle } from '@eidetic/bundle';
import { EideticError, type EngineObserver, type GenerateRequest, GREEDY } from '@eidetic/core';
import { Engine } from '@eidetic/engine';
import { randomPrompts } from '../prompts.ts';
import { type SoakJob, type SoakPeer, type SoakReport, serve } from './protocol.ts';

/** The engine of this repository under thousands of callers who come and go. */
export interface EideticSoakOptions {
  readonly bundleDirectory: string;
  readonly threads: number;
  readonly slots: number;
}

setFlagsFromString('--expose-gc');
/** Collects garbage, so that what is left is what is held. */
const collect = runInNewContext('gc') as () => void;

/** Of a hundred callers, how many leave, are out of time, or ask for what cannot be. */
const LEAVING = 20;
const LATE = 5;
const WRONG = 2;

await serve<EideticSoakOptions, SoakPeer>(async ({ bundleDirectory, threads, slots }) => {
  const outcomes: Record<string, number> = {};
  const ignore = (): void => {};
  const observer: EngineObserver = {
    admitted: ignore,
    prefillStep: ignore,
    decodeStep: ignore,
    firstToken: ignore,
    token: ignore,
    consolidated: ignore,
    ended({ outcome }) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    },
  };
  const engine = await Engine.create({
    bundle: await openBundle(bundleDirectory),
    resolveEmbedding: async () => undefined,
    slots,
    maxContext: 256,
    prefillChunk: 64,
    prefillShare: 0.5,
    maxWaiting: 4 * slots,
    agingMs: 1000,
    session: { intraOpThreads: threads },
    observer,
  });
  const prompts = randomPrompts(40, 48, 1);

  function requestOf(i: number): GenerateRequest {
    const kind = (i * 7919) % 100;
    const wrong = kind < WRONG;
    const ids = (prompts[(i * 31) % prompts.length] ?? []).slice(0, 4 + ((i * 17) % 44));
    return {
      requestId: String(i),
      prompt: [{ kind: 'tokens', ids: wrong ? [-1, ...ids] : ids }],
      sampling: GREEDY,
      maxTokens: 1 + ((i * 13) % 12),
      stopTokenIds: [],
      tenant: `tenant ${i % 5}`,
      priority: i % 3,
      ...(kind >= 100 - LATE && { deadlineMs: Date.now() + (i % 4) }),
    };
  }

  /** The `i`th caller; some leave after a few events, some before the first. */
  async function call(i: number): Promise<'finished' | 'left' | 'failed'> {
    const leaves = (i * 104_729) % 100 < LEAVING ? i % 6 : Number.POSITIVE_INFINITY;
    const leaving = new AbortController();
    if (leaves === 0) setImmediate(() => leaving.abort());
    try {
      let events = 0;
      for await (const _ of engine.generate(requestOf(i), leaving.signal)) if (++events >= leaves) return 'left';
      return 'finished';
    } catch (error) {
      return EideticError.from(error).code === 'cancelled' ? 'left' : 'failed';
    }
  }

  async function soak({ generations, callers }: SoakJob): Promise<SoakReport> {
    const counts = { finished: 0, left: 0, failed: 0 };
    const memory: SoakReport['memory'][number][] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < generations) {
        const i = next++;
        counts[await call(i)]++;
        if (i % Math.ceil(generations / 40) === 0) {
          collect();
          const { rss, heapUsed, external } = process.memoryUsage();
          memory.push({ generations: i, residentBytes: rss, liveBytes: heapUsed + external });
        }
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: callers }, work));
    return { ...counts, outcomes, memory, load: engine.load, ms: performance.now() - start };
  }
  return { soak };
});
