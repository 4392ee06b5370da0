import { elementsOf, type PlannedTensor } from './shards.ts';

/** A prime: rows of no matrix begin at the same places of the block, so that none is a copy of another. */
const BLOCK = 4_194_301;

/** Mean and standard deviation of the numbers of a tensor. */
interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Random numbers under which activations stay as they are in a trained model: matrices keep the variance of what they multiply, those that write
 * to the residual stream are shrunk by the number of writers, norms are near one.
 *
 * @param writers Matrices that add to the same residual stream.
 */
export function spreadOf({ name, shape }: PlannedTensor, writers: number): Spread {
  if (shape.length === 1) {
    const isNorm = /(^|\.)ln_\w+\.weight$/.test(name);
    return isNorm ? { mean: 1, deviation: 0.05 } : { mean: 0, deviation: 0.02 };
  }
  // Read by rows, not multiplied: embeddings and positions.
  if (/(wte\.weight|pos_embed|positional_embedding|query)$/.test(name)) return { mean: 0, deviation: 0.5 };
  const gain = /(h|resblocks)\.\d+\.(attn|mlp)\.(c_proj|out_proj)\.weight$/.test(name) ? writers ** -0.5 : 1;
  // Logits that are all alike would make the likeliest token depend on rounding.
  const peak = name === 'lm_head.weight' ? 3 : 1;
  return { mean: 0, deviation: (gain * peak) / Math.sqrt(elementsOf(shape.slice(1))) };
}

/** Numbers from one block that is drawn once: a full-size checkpoint takes as long as its files take to write. */
export class RandomWeights {
  readonly #normal: Float32Array;
  readonly #random: () => number;
  /** The block in bfloat16, by mean and deviation: there are about ten. */
  readonly #blocks = new Map<string, Uint16Array<ArrayBuffer>>();

  /** @param seed The same seed gives the same numbers. */
  constructor(seed: number) {
    this.#random = uniform(seed);
    this.#normal = new Float32Array(BLOCK);
    for (let i = 0; i < BLOCK; i += 2) {
      // Box and Muller; 1 - u is never 0.
      const radius = Math.sqrt(-2 * Math.log(1 - this.#random()));
      const angle = 2 * Math.PI * this.#random();
      this.#normal[i] = radius * Math.cos(angle);
      this.#normal[i + 1] = radius * Math.sin(angle);
    }
  }

  /** Little-endian bfloat16 numbers in pieces of at most 8 MiB. */
  *bytes(elements: number, spread: Spread): Generator<Uint8Array<ArrayBuffer>> {
    const block = this.#block(spread);
    let at = Math.floor(this.#random() * block.length);
    for (let left = elements; left > 0; ) {
      const count = Math.min(left, block.length - at);
      yield new Uint8Array(block.buffer, 2 * at, 2 * count);
      left -= count;
      at = 0;
    }
  }

  #block({ mean, deviation }: Spread): Uint16Array<ArrayBuffer> {
    const key = `${mean} ${deviation}`;
    const block = this.#blocks.get(key) ?? toBfloat16(this.#normal, mean, deviation);
    this.#blocks.set(key, block);
    return block;
  }
}

/** `mean + deviation * x` as the upper halves of float32, rounded to the nearest. */
function toBfloat16(normal: Float32Array, mean: number, deviation: number): Uint16Array<ArrayBuffer> {
  const number = new Float32Array(1);
  const word = new Uint32Array(number.buffer);
  const halves = new Uint16Array(normal.length);
  for (let i = 0; i < halves.length; i++) {
    number[0] = mean + deviation * (normal[i] ?? 0);
    halves[i] = ((word[0] ?? 0) + 0x8000) >>> 16;
  }
  return halves;
}

/** Tommy Ettinger's mulberry32: numbers in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
