import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle, Precision } from '@eidetic/bundle';
import type { StepScores } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { DecoderRows } from '../support/decoder-rows.ts';
import { Engines, generate, promptOf, request, sampled } from '../support/engines.ts';
import { writeWideBundle } from '../support/wide-bundle.ts';

const CAPACITY = 320;
const SLOTS = 8;

/** Everything the sampler may look at, to the bit. */
const bitsOf = ({ logits, topIds, topValues, logNormalizer }: StepScores): Uint8Array =>
  Buffer.concat([
    Uint8Array.from(new Uint8Array(logits.slice().buffer)),
    Uint8Array.from(new Uint8Array(topIds.slice().buffer)),
    Uint8Array.from(new Uint8Array(topValues.slice().buffer)),
    Buffer.from(Float64Array.of(logNormalizer).buffer),
  ]);

let directory: string;
let wide: Bundle;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eidetic-wide-'));
  wide = await writeWideBundle(directory);
});

afterAll(() => rm(directory, { recursive: true }));

const whole = (precision: Precision) => ({ vision: 'float32', decoder: precision, head: precision }) as const;

describe.each([
  ['the default precision', () => testBundle(DEFAULT_PRECISIONS)],
  ['float32', () => testBundle(whole('float32'))],
  ['int4', () => testBundle(whole('int4'))],
  ['int4 of wide blocks', async () => wide],
] as const)('logits, in %s', (_, open) => {
  it('are the same bits alone and among seven others', async () => {
    const bundle = await open();
    const prompts = Array.from({ length: SLOTS }, (_, i) => promptOf(5 + 37 * i, 28 + (i % 2)));
    const steps = [11, 12, 13];
    using together = await DecoderRows.open(bundle, SLOTS, CAPACITY);
    const first: Uint8Array[] = [];
    for (const [slot, ids] of prompts.entries()) first.push(bitsOf(await together.prefill(slot, ids)));
    const later: Uint8Array[][] = [];
    for (const [i, id] of steps.entries()) {
      const scores = await together.decode(prompts.map(({ length }) => ({ id, position: length + i })));
      later.push(scores.map(bitsOf));
    }
    using alone = await DecoderRows.open(bundle, 1, CAPACITY);
    for (const [slot, ids] of prompts.entries()) {
      expect(bitsOf(await alone.prefill(0, ids))).toEqual(first[slot]);
      for (const [i, id] of steps.entries()) {
        const [found] = await alone.decode([{ id, position: ids.length + i }]);
        expect(found && bitsOf(found)).toEqual(later[i]?.[slot]);
      }
    }
  });

  it('are the same bits in steps of any number of neighbours', async () => {
    using rows = await DecoderRows.open(await open(), SLOTS, CAPACITY);
    const prompts = Array.from({ length: SLOTS }, (_, i) => promptOf(3 + 7 * i, 28 + (i % 2)));
    for (const [slot, ids] of prompts.entries()) await rows.prefill(slot, ids);
    const tokens = prompts.map(({ length }) => ({ id: 11, position: length }));
    const together = (await rows.decode(tokens)).map(bitsOf);
    for (const count of [7, 6, 5, 4, 3, 2, 1]) {
      // The same token at the same position again leaves the same state.
      const found = (await rows.decode(tokens.slice(0, count))).map(bitsOf);
      expect(found, `${count} at once`).toEqual(together.slice(0, count));
    }
  });

  it('are the same bits whole, in chunks, and from a copy of a part', async () => {
    using rows = await DecoderRows.open(await open(), 2, CAPACITY);
    const ids = promptOf(200);
    const wholePrompt = bitsOf(await rows.prefill(0, ids));
    for (const chunk of [128, 64, 37, 16, 3, 2]) {
      expect(bitsOf(await rows.prefill(1, ids, { chunk }))).toEqual(wholePrompt);
    }
    const answers: Uint8Array[] = [];
    for (const from of [1, 57, 198]) {
      await rows.prefill(1, promptOf(150, 29));
      rows.copy(0, 1, from);
      answers.push(bitsOf(await rows.prefill(1, ids, { chunk: 31, from })));
    }
    expect(answers).toEqual([wholePrompt, wholePrompt, wholePrompt]);
  });
});

it('is answered in the only slot as among others, in int4 of wide blocks', async () => {
  const engines = await Engines.open();
  const prompts = [1, 2, 3, 40, 61, 150].map((length, i) => promptOf(length, 28 + (i % 2)));
  const asked = prompts.map((ids, i) => request(ids, { sampling: { ...sampled, seed: i }, maxTokens: 12 + i }));
  try {
    const crowded = await engines.start({ bundle: wide, slots: 3 });
    const together = await Promise.all(asked.map((wanted) => generate(crowded, wanted)));
    const single = await engines.start({ bundle: wide, slots: 1 });
    // The second time, most of each prompt is there already, up to an even or an odd position.
    for (const wanted of [...asked, ...asked.toReversed()]) {
      expect(await generate(single, wanted)).toEqual(together[asked.indexOf(wanted)]);
    }
  } finally {
    await engines.stopAll();
  }
});
