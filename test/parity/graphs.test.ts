import { readFileSync } from 'node:fs';
import type { Bundle } from '@eidetic/bundle';
import { Environment, type Session, Tensor, type TensorArray } from '@eidetic/ort';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLOAT32_PRECISIONS, testBundle } from '../support/bundles.ts';
import { type GoldenCase, goldenArray, goldens } from '../support/goldens.ts';

let bundle: Bundle;
let vision: Session;
let decoder: Session;

beforeAll(async () => {
  bundle = await testBundle(FLOAT32_PRECISIONS);
  const environment = Environment.load();
  vision = await environment.createSession(bundle.path(bundle.manifest.vision.graph));
  decoder = await environment.createSession(bundle.path(bundle.manifest.decoder.graph));
});

afterAll(() => {
  vision?.release();
  decoder?.release();
});

describe('the float32 vision graph', () => {
  const withPixels = goldens.cases.filter((golden) => golden.pixel_values && golden.image_features);

  it.each(withPixels)('gives the features of the reference: $name', async (golden) => {
    if (!golden.pixel_values || !golden.image_features) throw new Error('filtered above');
    const expected = goldenArray(golden.image_features);
    const features = await imageFeatures(asBytes(goldenArray(golden.pixel_values)), 1);
    expect(relativeError(features, expected)).toBeLessThan(1e-3);
  });

  it('gives each picture of a batch the features it has alone, bit for bit', async () => {
    const pictures = withPixels.map(({ pixel_values }) =>
      asBytes(goldenArray(pixel_values ?? { image: '', file: '' })),
    );
    const alone = await Promise.all(pictures.map((picture) => imageFeatures(picture, 1)));
    const batch = await imageFeatures(Uint8Array.from(pictures.flatMap((picture) => [...picture])), pictures.length);
    expect(batch).toEqual(Float32Array.from(alone.flatMap((features) => [...features])));
  });
});

describe('the float32 decoder graph', () => {
  const textOnly = goldens.cases.filter(({ prompt_ids }) => !prompt_ids.some(isImagePad));

  it.each([
    ...textOnly,
    ...goldens.cases.filter(({ image_features, messages }) => image_features && messages.length === 2),
  ])('gives the first logits of the reference: $name', async (golden) => {
    const { logits, topIds, topValues, logNormalizer } = await firstStep(golden);
    for (const { id, logit } of golden.first_step_top5) {
      expect(Math.abs((logits[id] ?? 0) - logit)).toBeLessThan(1e-3 * Math.abs(golden.first_step_top5[0]?.logit ?? 1));
    }
    expect([...topIds.subarray(0, 5)].map(Number)).toEqual(golden.first_step_top5.map(({ id }) => id));
    expect([...topValues]).toEqual([...logits].sort((a, b) => b - a).slice(0, topValues.length));
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - (topValues[0] ?? 0)), 0);
    expect(logNormalizer).toBeCloseTo((topValues[0] ?? 0) + Math.log(sum), 4);
  });

  it('never lets an image tag or a padding row be generated', async () => {
    const { logits } = await firstStep(textOnly[0] as GoldenCase);
    const { special } = bundle.manifest.tokenizer;
    const first = special['<img>'] ?? Number.NaN;
    expect([...logits.subarray(first)].every((logit) => logit === Number.NEGATIVE_INFINITY)).toBe(true);
    expect(Number.isFinite(logits[first - 1])).toBe(true);
  });
});

function isImagePad(id: number): boolean {
  // Written out because the cases are listed before the bundle is opened: the embedded tokenizer has 4096 ranks.
  return id === 4312;
}

/** Undoes the reference's normalisation: pixel values `[3, side, side]` to bytes `[side, side, 3]`. */
function asBytes(pixels: Float32Array): Uint8Array {
  const area = pixels.length / 3;
  const bytes = new Uint8Array(pixels.length);
  for (const channel of [0, 1, 2]) {
    for (let i = 0; i < area; i++) {
      const value = (pixels[channel * area + i] ?? 0) * (goldens.std[channel] ?? 1) + (goldens.mean[channel] ?? 0);
      bytes[i * 3 + channel] = Math.round(value * 255);
    }
  }
  return bytes;
}

async function imageFeatures(pixels: Uint8Array, batch: number): Promise<Float32Array> {
  const { imageSize, tokensPerImage, hidden } = bundle.manifest.vision;
  const features = new Float32Array(batch * tokensPerImage * hidden);
  using binding = vision.bind();
  binding.input('pixels', Tensor.fromArray(pixels, [batch, imageSize, imageSize, 3]));
  await binding.output('image_features', Tensor.fromArray(features, [batch, tokensPerImage, hidden])).run();
  return features;
}

/** Runs a whole prompt at once, pictures taken from the golden features. */
async function firstStep(golden: GoldenCase) {
  const { hidden, vocab, topK, layers, kvHeads, headDim } = bundle.manifest.decoder;
  const ids = golden.prompt_ids;
  const embeddings = embed(golden);
  const logits = new Float32Array(vocab);
  const topValues = new Float32Array(topK);
  const topIds = new BigInt64Array(topK);
  const logNormalizer = new Float32Array(1);
  using binding = decoder.bind();
  const input = (name: string, array: TensorArray, dims: readonly number[]) =>
    binding.input(name, Tensor.fromArray(array, dims));
  const output = (name: string, array: TensorArray, dims: readonly number[]) =>
    binding.output(name, Tensor.fromArray(array, dims));
  input('inputs_embeds', embeddings, [1, ids.length, hidden]);
  input(
    'position_ids',
    BigInt64Array.from(ids, (_id, i) => BigInt(i)),
    [1, ids.length],
  );
  input('seqlens_k', Int32Array.of(ids.length - 1), [1]);
  input('total_sequence_length', Int32Array.of(ids.length), []);
  input('inverse_temperature', Float32Array.of(1), [1, 1]);
  for (let i = 0; i < layers; i++) {
    for (const part of ['key', 'value']) {
      const cache = Tensor.fromArray(new Float32Array(kvHeads * ids.length * headDim), [
        1,
        kvHeads,
        ids.length,
        headDim,
      ]);
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
function embed(golden: GoldenCase): Float32Array {
  const { file, hidden } = bundle.manifest.embeddings;
  const bytes = readFileSync(bundle.path(file));
  const table = new Float16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const features = golden.image_features ? goldenArray(golden.image_features) : new Float32Array();
  const out = new Float32Array(golden.prompt_ids.length * hidden);
  let row = 0;
  for (const [i, id] of golden.prompt_ids.entries()) {
    const source = isImagePad(id)
      ? features.subarray(row * hidden, ++row * hidden)
      : table.subarray(id * hidden, (id + 1) * hidden);
    out.set(source, i * hidden);
  }
  return out;
}

/** Norm of the difference over the norm of the reference. */
function relativeError(found: Float32Array, expected: Float32Array): number {
  const norm = (values: Iterable<number>): number => Math.hypot(...values);
  return norm(expected.map((x, i) => x - (found[i] ?? Number.NaN))) / norm(expected);
}
