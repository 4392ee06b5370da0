import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EideticError } from '@eidetic/core';
import type { ExportFamily, ExportPlan, WeightSource } from '@eidetic/exporter';
import { parseConfig, parseGenerationConfig } from '../config.ts';
import { parseQuantization } from '../quantization.ts';
import { specialTokenIds } from '../special-tokens.ts';
import { checkTensors } from './check-tensors.ts';
import { buildDecoder } from './decoder.ts';
import { rotaryTables } from './rotary.ts';
import { expectedTensors } from './tensors.ts';
import { buildVision } from './vision.ts';

export { specialTokenIds } from '../special-tokens.ts';
export { expectedTensors } from './tensors.ts';

const RANKS_FILE = 'qwen.tiktoken';

/** Enough for top-k and nucleus sampling as people set them; what needs more reads the whole row of logits. */
const TOP_K = 64;

/** Version of how bytes become pixels: EXIF orientation, white background, Pillow's bicubic to the square. */
const PREPROCESSING = 'qwen-vl-1';

/** Qwen-VL and Qwen-VL-Chat, as the exporter sees them. */
export const qwenVlExport: ExportFamily = {
  name: 'qwen-vl',
  quantizedTo: ({ config, quantizeConfig }) => parseQuantization(config, quantizeConfig) && 'int4',
  plan,
};

async function plan(weights: WeightSource): Promise<ExportPlan> {
  const config = parseConfig(weights.config);
  const defaults = parseGenerationConfig(weights.generationConfig);
  const gptq = parseQuantization(weights.config, weights.quantizeConfig);
  checkTensors(weights, expectedTensors(config, gptq));
  const ranks = await countRanks(join(weights.directory, RANKS_FILE));
  const special = specialTokenIds(ranks);
  const id = (name: string): number => special[name] ?? -1;
  const tokens = ranks + Object.keys(special).length;
  if (tokens > config.vocab || id('<img>') !== config.visual.imageStartId) {
    const message =
      `${RANKS_FILE} has ${ranks} ranks, so '<img>' is ${id('<img>')} and ${tokens} ids are needed; ` +
      `config.json says visual.image_start_id ${config.visual.imageStartId} and vocab_size ${config.vocab}.`;
    throw new EideticError('invalid_checkpoint', message);
  }
  const topK = Math.min(TOP_K, tokens);
  const { chatFormat, ...sampling } = defaults;
  const turnEnds = chatFormat === 'chatml' ? [id('<|im_end|>'), id('<|im_start|>')] : [];
  return {
    vision: {
      imageSize: config.visual.imageSize,
      tokensPerImage: config.visual.queries,
      hidden: config.hidden,
      preprocessing: PREPROCESSING,
    },
    decoder: {
      layers: config.layers,
      heads: config.heads,
      kvHeads: config.heads,
      headDim: config.headDim,
      hidden: config.hidden,
      vocab: config.vocab,
      maxPositions: config.maxPositions,
      topK,
      ropeTables: [...rotaryTables(config).tables],
    },
    embeddingTensor: 'transformer.wte.weight',
    tokenizerFile: RANKS_FILE,
    specialTokens: special,
    generation: { chatFormat, stopTokenIds: [...turnEnds, id('<|endoftext|>')], ...sampling },
    buildVision: (graph, formats) => buildVision(graph, config, weights, formats),
    // A generated image tag would become a picture once the answer is history; rows past the last id mean nothing.
    buildDecoder: (graph, formats) =>
      buildDecoder(graph, config, weights, formats, { topK, gptq, masked: (token) => token >= id('<img>') }),
  };
}

async function countRanks(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new EideticError('invalid_checkpoint', `${path} cannot be read.`, { cause });
  });
  return text.split('\n').filter((line) => line.trim() !== '').length;
}
