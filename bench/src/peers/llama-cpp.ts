import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';
import { type InterferencePeer, serve, type TextPeer } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';
import { recordInterference } from './record-interference.ts';

/** llama.cpp on the CPU, through node-llama-cpp's prebuilt binary. */
export interface LlamaCppOptions {
  readonly modelPath: string;
  readonly threads: number;
  /** Most prompts of one job. */
  readonly sequences: number;
  /** Most positions of one sequence. */
  readonly contextSize: number;
}

await serve<LlamaCppOptions, TextPeer & InterferencePeer>(async ({ modelPath, threads, sequences, contextSize }) => {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ threads, sequences, contextSize });
  const slots = Array.from({ length: sequences }, () => context.getSequence());
  const generate = (prompt: readonly number[], index: number): AsyncIterable<number> => {
    const slot = slots[index];
    if (slot === undefined) throw new Error(`There are ${sequences} sequences, and none for prompt ${index}.`);
    return slot.evaluate(prompt as unknown as Token[], { temperature: 0, yieldEogToken: true });
  };
  const clear = () => Promise.all(slots.map((slot) => slot.clearHistory()));
  return {
    async generate(job) {
      await clear();
      return recordArrivals(job, generate);
    },
    async interfere(job) {
      await clear();
      return recordInterference(job, generate);
    },
  };
});
