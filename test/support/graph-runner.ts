import { readFileSync } from 'node:fs';
import type { Bundle } from '@eidetic/bundle';
import { Environment, type Session, Tensor, type TensorArray } from '@eidetic/ort';
import { type GoldenCase, goldenArray } from './goldens.ts';

/** What the decoder graph says after a whole prompt. */
export interface FirstStep {
  readonly logits: Float32Array;
  readonly topValues: Float32Array;
  readonly topIds: BigInt64Array;
  readonly logNormalizer: number;
}

/** Runs the two graphs of a bundle as they are, without engine or service around them. */
export class GraphRunner implements Disposable {
  readonly bundle: Bundle;
  readonly #vision: Session;
  readonly #decoder: Session;

  private constructor(bundle: Bundle, vision: Session, decoder: Session) {
    this.bundle = bundle;
    this.#vision = vision;
    this.#decoder = decoder;
  }

  static async open(bundle: Bundle): Promise<GraphRunner> {
    const { vision, decoder } = bundle.manifest;
    const load = (graph: string): Promise<Session> => Environment.load().createSession(bundle.path(graph));
    return new GraphRunner(bundle, await load(vision.graph), await load(decoder.graph));
  }

  [Symbol.dispose](): void {
    this.#vision.release();
    this.#decoder.release();
  }

  /** Pixels `[batch, side, side, 3]` to features `[batch, tokens, hidden]`. */
  async imageFeatures(pixels: Uint8Array, batch: number): Promise<Float32Array> {
    const { imageSize, tokensPerImage, hidden } = this.bundle.manifest.vision;
    const features = new Float32Array(batch * tokensPerImage * hidden);
    using binding = this.#vision.bind();
    binding.input('pixels', Tensor.fromArray(pixels, [batch, imageSize, imageSize, 3]));
    await binding.output('image_features', Tensor.fromArray(features, [batch, tokensPerImage, hidden])).run();
    return features;
  }

  /** Runs a case's prompt at once; its picture's features are the golden ones. */
  async firstStep(golden: GoldenCase): Promise<FirstStep> {
    const { hidden, vocab, topK, layers, kvHeads, headDim, dtype } = this.bundle.manifest.decoder;
    const ActivationArray = dtype === 'float16' ? Float16Array : Float32Array;
    const length = golden.prompt_ids.length;
    const logits = new Float32Array(vocab);
    const topValues = new Float32Array(topK);
    const topIds = new BigInt64Array(topK);
    const logNormalizer = new Float32Array(1);
    using binding = this.#decoder.bind();
    const input = (name: string, array: TensorArray, dims: readonly number[]) =>
      binding.input(name, Tensor.fromArray(array, dims));
    const output = (name: string, array: TensorArray, dims: readonly number[]) =>
      binding.output(name, Tensor.fromArray(array, dims));
    const positions = Array.from({ length }, (_, i) => BigInt(i));
    input('inputs_embeds', new ActivationArray(this.#embed(golden)), [1, length, hidden]);
    input('position_ids', BigInt64Array.from(positions), [1, length]);
    input('seqlens_k', Int32Array.of(length - 1), [1]);
    input('total_sequence_length', Int32Array.of(length), []);
    input('inverse_temperature', Float32Array.of(1), [1, 1]);
    for (let i = 0; i < layers; i++) {
      for (const part of ['key', 'value']) {
        const rows = new ActivationArray(kvHeads * length * headDim);
        const cache = Tensor.fromArray(rows, [1, kvHeads, length, headDim]);
        binding.input(`past_key_values.${i}.${part}`, cache).output(`present.${i}.${part}`, cache);
      }
    }
    output('logits', logits, [1, vocab]);
    output('top_values', topValues, [1, topK]);
    output('top_ids', topIds, [1, topK]);
    output('log_normalizer', logNormalizer, [1, 1]);
    await binding.run();
    return { logits, topValues, topIds, logNormalizer: logNormalizer[0] ?? Number.NaN };
  }

  /** Token embeddings of the prompt `[positions, hidden]`, with the golden features in the picture's place. */
  #embed(golden: GoldenCase): Float32Array {
    const { file, hidden } = this.bundle.manifest.embeddings;
    const pad = this.bundle.manifest.tokenizer.special['<imgpad>'];
    const bytes = readFileSync(this.bundle.path(file));
    const table = new Float16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const features = golden.image_features ? goldenArray(golden.image_features) : new Float32Array();
    const out = new Float32Array(golden.prompt_ids.length * hidden);
    let row = 0;
    for (const [i, id] of golden.prompt_ids.entries()) {
      const source =
        id === pad ? features.subarray(row * hidden, ++row * hidden) : table.subarray(id * hidden, (id + 1) * hidden);
      out.set(source, i * hidden);
    }
    return out;
  }
}
