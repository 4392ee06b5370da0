import { scoreAnswer } from '@eidetic/eval';
import { expect, it } from 'vitest';
import { evaluate } from '../support/evaluate.ts';
import { goldens } from '../support/goldens.ts';

it('answers every reference case over HTTP as the reference does, with float32 weights', async () => {
  const { outputs } = await evaluate({ EIDETIC_DECODER_PRECISION: 'float32', EIDETIC_HEAD_PRECISION: 'float32' });
  expect(outputs).toEqual(Object.fromEntries(goldens.cases.map(({ name, output_text }) => [name, output_text])));
});

it('is as accurate over HTTP as the reference, with the default precision', async () => {
  const { overall } = await evaluate({});
  const scores = goldens.cases.map((golden) => scoreAnswer(golden.reference_answer, golden.output_text));
  const boxes = scores.flatMap((score) => score.boxes ?? []);
  expect(overall).toMatchObject({
    questions: goldens.cases.length,
    failed: 0,
    figures: {
      exact: (100 * scores.filter(({ exact }) => exact).length) / scores.length,
      'IoU ≥ 0.5': (100 * boxes.reduce((sum, { found }) => sum + found, 0)) / boxes.length,
    },
  });
});
