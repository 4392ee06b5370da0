import type { Interference, InterferenceJob } from './protocol.ts';

/** Runs streams, lets a prompt come in between, and notes how far apart the streams' tokens are before and during it. */
export async function recordInterference(
  { streams, prompt, settleTokens, quietTokens }: InterferenceJob,
  generate: (prompt: readonly number[], index: number) => AsyncIterable<number>,
): Promise<Interference> {
  const quietMs: number[] = [];
  const busyMs: number[] = [];
  /** When the prompt came, and when its first token did. */
  let start = Number.POSITIVE_INFINITY;
  let end = Number.POSITIVE_INFINITY;
  let settled = 0;
  const allSettled = Promise.withResolvers<void>();
  const runs = streams.map(async (ids, index) => {
    let last = 0;
    let tokens = 0;
    for await (const _ of generate(ids, index)) {
      const now = performance.now();
      tokens++;
      // The wait that ends after the prompt was done began before: it is the longest where the prompt is computed in one piece.
      if (now > start && last < end) busyMs.push(now - last);
      else if (tokens > settleTokens && tokens <= settleTokens + quietTokens) quietMs.push(now - last);
      last = now;
      if (tokens === settleTokens + quietTokens && ++settled === streams.length) allSettled.resolve();
      if (now > end) return;
    }
    throw new Error(`A stream ended after ${tokens} tokens, before the prompt that was to interfere.`);
  });
  await Promise.race([allSettled.promise, Promise.all(runs)]);
  start = performance.now();
  for await (const _ of generate(prompt, streams.length)) break;
  end = performance.now();
  await Promise.all(runs);
  return { quietMs, busyMs, firstTokenMs: end - start };
}
