import type { ExportFamily } from '../src/family.ts';
import { linear } from '../src/linear.ts';
import type { Matrix } from '../src/matrix.ts';

/** A family whose checkpoints hold one matrix: both graphs multiply by it. */
export const tinyFamily: ExportFamily = {
  name: 'tiny',
  quantizedTo: () => undefined,
  plan: async (weights) => {
    const build: (typeof plan)['buildVision'] = async (graph, formats) => {
      const x = graph.input('x', 'float32', ['batch', 32]);
      const matrix: Matrix = {
        rows: 32,
        columns: 32,
        read: async (firstRow, rows) => ({ dtype: 'float32', bytes: await weights.readRaw('w', { firstRow, rows }) }),
      };
      graph.output(await linear(graph, 'y', x, matrix, formats.vision), 'float32', ['batch', 32]);
    };
    const plan: Awaited<ReturnType<ExportFamily['plan']>> = {
      vision: { imageSize: 14, tokensPerImage: 1, hidden: 32, preprocessing: 'tiny-1' },
      decoder: {
        layers: 1,
        heads: 1,
        kvHeads: 1,
        headDim: 32,
        hidden: 32,
        vocab: 32,
        maxPositions: 8,
        topK: 4,
        ropeTables: [{ maxPrompt: 8, offset: 0 }],
      },
      embeddingTensor: 'w',
      tokenizerFile: 'ranks',
      specialTokens: { end: 31 },
      generation: {
        chatFormat: 'raw',
        stopTokenIds: [31],
        maxNewTokens: 4,
        temperature: 0,
        topP: 1,
        topK: 0,
        repetitionPenalty: 1,
      },
      buildVision: build,
      buildDecoder: build,
    };
    return plan;
  },
};
