import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { type Figure, figure } from './measure.ts';
import type { GpuOptions } from './options.ts';

const measurementSchema = z.object({
  what: z.enum(['vision', 'decode']),
  who: z.string(),
  batch: z.int(),
  times: z.array(z.number()).min(1),
});

/** The same steps in PyTorch, on the same card: what was measured before it ended, and why it ended early if it did. */
export interface TorchRun {
  readonly figures: readonly Figure[];
  readonly failure?: Error;
}

/** Runs the peer; nothing is measured without a Python that has PyTorch. */
export async function measureTorch(configPath: string, options: GpuOptions): Promise<TorchRun> {
  const { python, provider, visionBatches, decodeBatches, context } = options;
  if (python === undefined) return { figures: [] };
  const script = join(import.meta.dirname, 'torch_peer.py');
  const args = [script, configPath, provider, visionBatches.join(','), decodeBatches.join(','), String(context)];
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    const [output, [code]] = await Promise.all([text(child.stdout), ended]);
    const figures = output.trim().split('\n').filter(Boolean).map(figureOf);
    if (code === 0) return { figures };
    return { figures, failure: new Error(`PyTorch's measurement ended with ${code}.`) };
  } catch (error) {
    return { figures: [], failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

function figureOf(line: string): Figure {
  const { what, who, batch, times } = measurementSchema.parse(JSON.parse(line));
  return figure(what, `PyTorch ${who}`, batch, times, batch);
}
