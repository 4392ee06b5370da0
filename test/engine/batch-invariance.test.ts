import type { Precision } from '@eidetic/bundle';
import type { StepScores } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { DecoderRows } from '../support/decoder-rows.ts';
import { promptOf } from '../support/engines.ts';

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

const whole = (precision: Precision) => ({ vision: 'float32', decoder: precision, head: precision }) as const;

describe.each([
  ['the default precision', DEFAULT_PRECISIONS],
  ['float32', whole('float32')],
  ['int4', whole('int4')],
] as const)('logits, in %s', (_, precisions) => {
  it('are the same bits alone and among seven others', async () => {
    const bundle = await testBundle(precisions);
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

  it('are the same bits whole, in chunks, and from a copy of a part', async () => {
    using rows = await DecoderRows.open(await testBundle(precisions), 2, CAPACITY);
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
