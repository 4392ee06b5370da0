import type { Precision } from '@eidetic/bundle';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLOAT32_PRECISIONS, testBundle } from '../support/bundles.ts';
import { featuresOf, pixelsOf, relativeError } from '../support/golden-pictures.ts';
import { type GoldenCase, goldens, imagesOf } from '../support/goldens.ts';
import { GraphRunner } from '../support/graph-runner.ts';

const withPixels = goldens.cases.filter((golden) => golden.pixel_values && golden.image_features);
const textOnly = goldens.cases.filter((golden) => imagesOf(golden).length === 0);
/** Cases whose only picture has golden features. */
const withFeatures = goldens.cases.filter((golden) => golden.image_features && imagesOf(golden).length === 1);

let graphs: GraphRunner;

beforeAll(async () => {
  graphs = await GraphRunner.open(await testBundle(FLOAT32_PRECISIONS));
});

afterAll(() => graphs?.[Symbol.dispose]());

describe('the float32 vision graph', () => {
  it.each(withPixels)('gives the features of the reference: $name', async (golden) => {
    const features = await graphs.imageFeatures(pixelsOf(golden), 1);
    expect(relativeError(features, featuresOf(golden))).toBeLessThan(1e-3);
  });

  it('gives each picture of a batch the features it has alone, bit for bit', async () => {
    const pictures = withPixels.map(pixelsOf);
    const alone = await Promise.all(pictures.map((picture) => graphs.imageFeatures(picture, 1)));
    const together = Uint8Array.from(pictures.flatMap((picture) => [...picture]));
    const batch = await graphs.imageFeatures(together, pictures.length);
    expect(batch).toEqual(Float32Array.from(alone.flatMap((features) => [...features])));
  });
});

describe('the float32 decoder graph', () => {
  it.each([...textOnly, ...withFeatures])('gives the first logits of the reference: $name', async (golden) => {
    const { logits, topIds, topValues, logNormalizer } = await graphs.firstStep(golden);
    const [largest] = golden.first_step_top5;
    for (const { id, logit } of golden.first_step_top5) {
      expect(Math.abs((logits[id] ?? 0) - logit)).toBeLessThan(1e-3 * Math.abs(largest?.logit ?? 1));
    }
    expect([...topIds.subarray(0, 5)].map(Number)).toEqual(golden.first_step_top5.map(({ id }) => id));
    expect([...topValues]).toEqual([...logits].sort((a, b) => b - a).slice(0, topValues.length));
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - (topValues[0] ?? 0)), 0);
    expect(logNormalizer).toBeCloseTo((topValues[0] ?? 0) + Math.log(sum), 4);
  });

  it('never lets an image tag or a padding row be generated', async () => {
    const { logits } = await graphs.firstStep(textOnly[0] as GoldenCase);
    const first = graphs.bundle.manifest.tokenizer.special['<img>'] ?? Number.NaN;
    expect([...logits.subarray(first)].every((logit) => logit === Number.NEGATIVE_INFINITY)).toBe(true);
    expect(Number.isFinite(logits[first - 1])).toBe(true);
  });
});

describe('graphs with float16 activations', () => {
  // Storage for every part that float16 activations go with; on a CPU this is slow and only shows that the graphs are right.
  it.each<[Precision, Precision]>([
    ['float16', 'float16'],
    ['float16', 'int8'],
  ])('stay close to the reference: vision %s, decoder %s', async (vision, decoder) => {
    using half = await GraphRunner.open(await testBundle({ vision, decoder, head: decoder }, 'float16'));
    const golden = withPixels[0] as GoldenCase;
    const features = await half.imageFeatures(pixelsOf(golden), 1);
    expect(relativeError(features, featuresOf(golden))).toBeLessThan(0.01);
    const { topIds } = await half.firstStep(golden);
    expect(Number(topIds[0])).toBe(golden.first_step_top5[0]?.id);
  });
});
