import type { Bundle, Precision } from '@eidetic/bundle';
import type { StepScores } from '@eidetic/engine';
import type { Runtime } from '@eidetic/model-loader';
import type { Session } from '@eidetic/ort';
import { createVisionGraph } from '@eidetic/vision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from './bundles.ts';
import { DecoderRows, type DecoderRowsOptions } from './decoder-rows.ts';
import { promptOf } from './engines.ts';
import { featuresOf, pixelsOf, relativeError } from './golden-pictures.ts';
import { goldens } from './goldens.ts';
import { describeKvCache } from './kv-cache-conformance.ts';

const CAPACITY = 320;
const SLOTS = 8;

/**
 * How far logits of float16 may be apart, as a share of their norm, when the same is computed on another device, in another batch or in
 * other pieces: kernels add up in another order. The CPU's own are the same bits.
 */
const CLOSE = 0.02;

/** Weights that accelerators take with float16 activations. */
const PRECISIONS: readonly Precision[] = ['float16', 'int4'];

const float16Bundle = (decoder: Precision): Promise<Bundle> =>
  testBundle({ vision: 'float16', decoder, head: decoder }, 'float16');

/** The features of the reference, in float16. */
export function describeAcceleratorVision(open: () => Runtime): void {
  it('gives the vision encoder’s features of the reference, in batches of any size', async () => {
    const bundle = await float16Bundle('float16');
    const { vision } = bundle.manifest;
    const { environment, session } = open();
    const pictures = goldens.cases.filter((golden) => golden.pixel_values && golden.image_features);
    const graph = createVisionGraph(
      await environment.createSession(bundle.path(vision.graph), session),
      vision,
      pictures.length,
    );
    try {
      for (const size of [1, pictures.length]) {
        const chosen = pictures.slice(0, size);
        const encoded = await graph.run(chosen.map(pixelsOf));
        for (const [i, golden] of chosen.entries()) {
          expect(relativeError(encoded[i]?.features ?? new Float32Array(), featuresOf(golden))).toBeLessThan(0.01);
        }
      }
    } finally {
      graph.release();
    }
  });
}

/** The language model in float16: the CPU's scores, whoever else is in the batch and however a prompt is cut. */
export function describeAcceleratorDecoder(
  open: () => Runtime,
  options: Pick<DecoderRowsOptions, 'cudaGraphs'> = {},
): void {
  const openRows = (bundle: Bundle, slots: number): Promise<DecoderRows> =>
    DecoderRows.open(bundle, slots, CAPACITY, { ...open(), ...options });

  describe.each(PRECISIONS)('the language model in %s', (precision) => {
    it('gives the scores of the CPU for prompts and for the steps after them', async () => {
      const bundle = await float16Bundle(precision);
      using rows = await openRows(bundle, 1);
      using cpu = await DecoderRows.open(bundle, 1, CAPACITY);
      for (const from of [28, 29]) {
        const ids = promptOf(60, from);
        expectClose(await rows.prefill(0, ids), copyOf(await cpu.prefill(0, ids)));
        for (const [i, id] of [11, 12, 13].entries()) {
          const tokens = [{ id, position: ids.length + i }];
          const [expected] = (await cpu.decode(tokens)).map(copyOf);
          const [found] = await rows.decode(tokens);
          if (found && expected) expectClose(found, expected);
        }
      }
    });

    it('gives a row of a batch what it has alone', async () => {
      const bundle = await float16Bundle(precision);
      using rows = await openRows(bundle, SLOTS);
      using one = await openRows(bundle, 1);
      const prompts = Array.from({ length: SLOTS }, (_, i) => promptOf(5 + 37 * i, 28 + (i % 2)));
      for (const [slot, ids] of prompts.entries()) await rows.prefill(slot, ids);
      const together = (await rows.decode(prompts.map(({ length }) => ({ id: 11, position: length })))).map(copyOf);
      for (const [slot, ids] of prompts.entries()) {
        await one.prefill(0, ids);
        const [alone] = await one.decode([{ id: 11, position: ids.length }]);
        const among = together[slot];
        if (alone && among) expectClose(among, copyOf(alone));
      }
    });

    it('goes on from a copied beginning, and in chunks', async () => {
      using rows = await openRows(await float16Bundle(precision), 2);
      const ids = promptOf(200);
      const whole = copyOf(await rows.prefill(0, ids));
      expectClose(await rows.prefill(1, ids, { chunk: 37 }), whole);
      await rows.prefill(1, promptOf(150, 29));
      rows.copy(0, 1, 57);
      expectClose(await rows.prefill(1, ids, { chunk: 31, from: 57 }), whole);
    });
  });

  it('lists the likeliest tokens of the row of logits, which comes when it is asked for', async () => {
    using rows = await openRows(await float16Bundle('float16'), 2);
    await rows.prefill(1, promptOf(40));
    const [, scores] = await rows.decode([
      { id: 5, position: 0 },
      { id: 11, position: 40 },
    ]);
    expect(scores?.logits).toHaveLength(scores?.vocab ?? 0);
    expect([...(scores?.topValues ?? [])]).toEqual(
      [...(scores?.logits ?? [])].sort((a, b) => b - a).slice(0, scores?.topValues.length),
    );
  });
}

/** The KV cache where a session of the runtime computes. */
export function describeAcceleratorMemory(open: () => Runtime): void {
  let session: Session;

  beforeAll(async () => {
    const bundle = await float16Bundle('float16');
    const { environment, session: options } = open();
    session = await environment.createSession(bundle.path(bundle.manifest.vision.graph), options);
  });

  afterAll(() => session?.release());

  it('is where the session computes', () => {
    const { provider = 'cpu' } = open().session;
    expect(session.location).toBe(provider === 'cpu' ? 'cpu' : 'cuda');
  });

  describeKvCache(() => session);
}

/** Scores that stay when the next step overwrites its buffers. */
function copyOf({ topValues, topIds, logNormalizer, vocab, logits }: StepScores): StepScores {
  return { topValues: topValues.slice(), topIds: topIds.slice(), logNormalizer, vocab, logits: logits.slice() };
}

function expectClose(found: StepScores, expected: StepScores): void {
  expect(found.topIds[0]).toBe(expected.topIds[0]);
  expect(found.logNormalizer).toBeCloseTo(expected.logNormalizer, 1);
  const finite = (logits: Float32Array): Float32Array => logits.map((x) => (Number.isFinite(x) ? x : 0));
  expect(relativeError(finite(found.logits), finite(expected.logits))).toBeLessThan(CLOSE);
}
