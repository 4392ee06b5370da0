import { readFile } from 'node:fs/promises';
import { Contender } from '../contender.ts';
import { bundleOf } from '../decoders.ts';
import type { VisionPeer, VisionRun } from '../peers/protocol.ts';
import type { StockOrtOptions } from '../peers/stock-ort.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite } from '../suite.ts';

const PICTURE = new URL('../../../test/data/goldens/images/wide.png', import.meta.url);
const BATCH = 8;

/** The vision encoder: the graph against stock onnxruntime-node, and all the way from PNG to embedding. */
export const visionSuite: Suite = {
  name: 'vision',
  async run(context) {
    const { directory: bundleDirectory } = await bundleOf(context, 'int8');
    const options: Pick<StockOrtOptions, 'bundleDirectory' | 'threads'> = { bundleDirectory, threads: context.threads };
    await using started = new AsyncDisposableStack();
    const ours = started.use(await Contender.start<VisionPeer>(OURS, 'eidetic-vision', options));
    const stock = started.use(await Contender.start<VisionPeer>('onnxruntime-node', 'stock-ort-vision', options));
    const picture = await readFile(PICTURE);
    const probe = (
      peer: Contender<VisionPeer>,
      metric: string,
      pictures: number,
      better: Probe['better'],
      figure: (run: VisionRun) => number,
    ): Probe => ({
      contender: peer.name,
      metric,
      better,
      measure: async () => figure(await peer.call('encode', new Array(pictures).fill(picture))),
    });
    const graph = ({ graphMs }: VisionRun) => graphMs;
    const rate = ({ totalMs }: VisionRun) => (BATCH / totalMs) * 1000;
    return {
      name: 'vision',
      title: `Vision encoder, float32, ${context.threads} threads`,
      facts: { 'onnxruntime-node': 'gets pixels, it decodes no pictures' },
      measurements: await alternate(
        [
          probe(ours, 'graph, one picture, ms', 1, 'lower', graph),
          probe(stock, 'graph, one picture, ms', 1, 'lower', graph),
          probe(ours, 'PNG to embedding, ms', 1, 'lower', ({ totalMs }) => totalMs),
          probe(ours, `${BATCH} at once, pictures/s`, BATCH, 'higher', rate),
          probe(stock, `${BATCH} at once, pictures/s`, BATCH, 'higher', rate),
        ],
        context.rounds,
      ),
    };
  },
};
