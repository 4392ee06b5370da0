import { mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '@eidetic/bundle';
import type { StepScores } from '@eidetic/engine';
import { convertCheckpoint } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKPOINT_DIRECTORY, FLOAT32_PRECISIONS, testBundle } from '../support/bundles.ts';
import { DecoderRows } from '../support/decoder-rows.ts';
import { type LongGolden, longGolden, longGoldens } from '../support/goldens.ts';

/** Largest difference between two logits that are the same. */
const TOLERANCE = 1e-3;

let bundle: Bundle;

beforeAll(async () => {
  bundle = await testBundle(FLOAT32_PRECISIONS);
});

describe('the decoder of the embedded checkpoint, trained on 2,048 positions', () => {
  const cases = longGoldens().map((golden) => ({ golden, length: golden.prompt.length, steps: golden.steps.length }));

  it.each(cases)(
    'gives the logits of the reference: $length tokens, $steps steps',
    async ({ golden }) => {
      const [errors = []] = await errorsOf(bundle, [golden]);
      expect(errors).toHaveLength(golden.steps.length);
      expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
    },
    60_000,
  );

  it('gives them to answers side by side, each with the rotary base of its own prompt, which came in chunks', async () => {
    const goldens = [2040, 4090, 5000].map(longGolden);
    expect(new Set(goldens.map((golden) => ropeOffsetOf(golden, bundle))).size).toBe(3);
    const errors = await errorsOf(bundle, goldens, 256);
    for (const ofOne of errors) expect(Math.max(...ofOne)).toBeLessThan(TOLERANCE);
    // The first two answers pass 2,048 and 4,096, beyond which prompts have another base.
    expect(errors.map(({ length }) => length)).toEqual([12, 12, 12]);
  }, 60_000);

  it.each([
    ['dynamic NTK', { use_dynamic_ntk: false }],
    ['logn attention', { use_logn_attn: false }],
  ])('would miss them without %s', async (_, change) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'eidetic-long-'));
    const without = await convertChanged(directory.path, change);
    const [[first] = []] = await errorsOf(without, [longGolden(2500)]);
    expect(first).toBeGreaterThan(100 * TOLERANCE);
  });
});

/** Computes prompts one after the other, then their answers side by side: the error of each at each step. */
async function errorsOf(from: Bundle, goldens: readonly LongGolden[], chunk?: number): Promise<number[][]> {
  using rows = await DecoderRows.open(from, goldens.length, from.manifest.decoder.maxPositions);
  const errors: number[][] = [];
  for (const [slot, golden] of goldens.entries()) {
    const options = { ropeOffset: ropeOffsetOf(golden, from), ...(chunk !== undefined && { chunk }) };
    errors.push([errorOf(await rows.prefill(slot, golden.prompt, options), golden, 0)]);
  }
  const steps = Math.min(...goldens.map((golden) => golden.steps.length));
  for (let step = 1; step < steps; step++) {
    const tokens = goldens.map((golden) => ({
      id: golden.steps[step - 1]?.[0]?.[0] ?? Number.NaN,
      position: golden.prompt.length + step - 1,
      ropeOffset: ropeOffsetOf(golden, from),
    }));
    const scores = await rows.decode(tokens);
    for (const [slot, golden] of goldens.entries()) {
      errors[slot]?.push(errorOf(scores[slot] ?? unscored(), golden, step));
    }
  }
  return errors;
}

/** Largest difference from the logits of the reference at a step. */
const errorOf = ({ logits }: StepScores, { steps }: LongGolden, step: number): number =>
  Math.max(...(steps[step] ?? []).map(([id, logit]) => Math.abs((logits[id] ?? Number.NaN) - logit)));

const unscored = (): never => {
  throw new Error('A slot got no scores.');
};

const ropeOffsetOf = ({ prompt }: LongGolden, { manifest }: Bundle): number =>
  manifest.decoder.ropeTables.find(({ maxPrompt }) => prompt.length <= maxPrompt)?.offset ?? Number.NaN;

/** The embedded checkpoint with other entries in its `config.json`, converted. */
async function convertChanged(directory: string, change: object): Promise<Bundle> {
  for (const name of await readdir(CHECKPOINT_DIRECTORY)) {
    if (name !== 'config.json') await symlink(join(CHECKPOINT_DIRECTORY, name), join(directory, name));
  }
  const config: object = JSON.parse(await readFile(join(CHECKPOINT_DIRECTORY, 'config.json'), 'utf8'));
  await writeFile(join(directory, 'config.json'), JSON.stringify({ ...config, ...change }));
  return convertCheckpoint({
    checkpointDirectory: directory,
    bundleDirectory: join(directory, 'bundle'),
    family: qwenVlExport,
    precisions: FLOAT32_PRECISIONS,
    activations: 'float32',
  });
}
