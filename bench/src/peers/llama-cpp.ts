import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';
import { serve, type TextPeer } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';

/** llama.cpp on the CPU, through node-llama-cpp's prebuilt binary. */
export interface LlamaCppOptions {
  readonly modelPath: string;
  readonly threads: number;
  /** Most prompts of one job. */
  readonly sequences: number;
  /** Most positions of one sequence. */
  readonly contextSize: number;
}

await serve<LlamaCppOptions, TextPeer>(async ({ modelPath, threads, sequences, contextSize }) => {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ threads, sequences, contextSize });
  const slots = Array.from({ length: sequences }, () => context.getSequence());
  return {
    async generate(job) {
      await Promise.all(slots.map((slot) => slot.clearHistory()));
      return recordArrivals(job, (prompt, index) => {
        const slot = slots[index];
        if (slot === undefined) throw new Error(`${job.prompts.length} prompts, ${sequences} sequences.`);
        return slot.evaluate(prompt as unknown as Token[], { temperature: 0, yieldEogToken: true });
      });
    },
  };
});
