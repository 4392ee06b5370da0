import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Figure, figure } from './measure.ts';
import type { GpuOptions } from './options.ts';

const peerSchema = z.array(
  z.object({
    what: z.enum(['vision', 'decode']),
    who: z.string(),
    batch: z.int(),
    times: z.array(z.number()).min(1),
  }),
);

/** The same steps in PyTorch, on the same card; none without a Python that has it. */
export async function measureTorch(configPath: string, options: GpuOptions): Promise<readonly Figure[]> {
  const { python, provider, visionBatches, decodeBatches, context } = options;
  if (python === undefined) return [];
  const script = join(import.meta.dirname, 'torch_peer.py');
  const args = [script, configPath, provider, visionBatches.join(','), decodeBatches.join(','), String(context)];
  const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 2 ** 26 });
  const peers = peerSchema.parse(JSON.parse(stdout));
  return peers.map(({ what, who, batch, times }) => figure(what, `PyTorch ${who}`, batch, times, batch));
}
