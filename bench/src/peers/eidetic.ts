import { openBundle } from '@eidetic/bundle';
import { GREEDY } from '@eidetic/core';
import { Engine } from '@eidetic/engine';
import { type InterferencePeer, serve, type TextPeer } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';
import { recordInterference } from './record-interference.ts';

/** The engine of this repository through its `Decoder` port. */
export interface EideticOptions {
  readonly bundleDirectory: string;
  readonly threads: number;
  /** Most prompts of one job. */
  readonly sequences: number;
  /** Most positions of one sequence. */
  readonly contextSize: number;
  /** Share of the time that prompts may take from running answers. */
  readonly prefillShare: number;
}

await serve<EideticOptions, TextPeer & InterferencePeer>(
  async ({ bundleDirectory, threads, sequences, contextSize, prefillShare }) => {
    const engine = await Engine.create({
      bundle: await openBundle(bundleDirectory),
      resolveEmbedding: async () => undefined,
      slots: sequences,
      maxContext: contextSize,
      prefillChunk: contextSize,
      prefillShare,
      maxWaiting: sequences,
      agingMs: 10_000,
      session: { intraOpThreads: threads },
    });

    async function* generate(ids: readonly number[], maxTokens: number): AsyncIterable<number> {
      const prompt = [{ kind: 'tokens', ids }] as const;
      const request = { requestId: 'bench', prompt, sampling: GREEDY, maxTokens, stopTokenIds: [] };
      for await (const event of engine.generate(request)) if (event.kind === 'token') yield event.id;
    }
    return {
      generate: (job) => recordArrivals(job, (prompt) => generate(prompt, job.tokens)),
      interfere: (job) => recordInterference(job, (prompt) => generate(prompt, contextSize - prompt.length)),
    };
  },
);
