import type { GenerateJob, Generation } from './protocol.ts';

/**
 * Runs a job's generations side by side and notes when each token arrives.
 *
 * @throws Error when a generation ends early: its figures would not be comparable.
 */
export async function recordArrivals(
  { prompts, tokens }: GenerateJob,
  generate: (prompt: readonly number[], index: number) => AsyncIterable<number>,
): Promise<Generation> {
  const start = performance.now();
  const runs = prompts.map(async (prompt, index) => {
    const ids: number[] = [];
    const arrivedMs: number[] = [];
    for await (const id of generate(prompt, index)) {
      arrivedMs.push(performance.now() - start);
      ids.push(id);
      if (ids.length === tokens) return { ids, arrivedMs };
    }
    throw new Error(`A generation of ${tokens} tokens ended after ${ids.length}.`);
  });
  const done = await Promise.all(runs);
  return { ids: done.map(({ ids }) => ids), arrivedMs: done.map(({ arrivedMs }) => arrivedMs) };
}
