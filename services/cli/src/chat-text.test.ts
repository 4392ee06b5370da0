import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closingLine, describeBox, readableText } from './chat-text.ts';

it('numbers boxes behind the words that they belong to', () => {
  const raw = 'I see <ref>two cats</ref><box>(1,2),(3,4)</box><box>(5,6),(7,8)</box> and <box>(1,1),(2,2)</box>.';
  expect(readableText(raw)).toBe('I see two cats [1] [2] and [3].');
});

it('prints nothing of a growing answer that it would have to take back', () => {
  const piece = fc.constantFrom(
    '<ref>',
    '</ref>',
    '<box>',
    '</box>',
    '(1,2),(3,4)',
    '<',
    'a cat',
    ' ',
    '图',
    '</bo',
    'x>',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const raw = pieces.join('');
      for (let end = 0; end <= raw.length; end++) {
        const early = readableText(raw.slice(0, end), { growing: true });
        expect(readableText(raw).startsWith(early), `${raw.slice(0, end)} | ${raw}`).toBe(true);
      }
    }),
  );
});

it('describes a box, and its picture where there are several', () => {
  const box = { text: 'a cat', box: { x1: 1.4, y1: 2, x2: 30, y2: 40.6 }, imageIndex: 1 };
  expect(describeBox(box, 0, ['a.png'])).toBe('[1] a cat: (1, 2) to (30, 41)');
  expect(describeBox({ ...box, text: '' }, 2, ['a.png', 'b.png'])).toBe('[3] (1, 2) to (30, 41) in b.png');
});

it('says how fast the answer came and what was reused', () => {
  const details = { cached_tokens: 80, image_tokens: 64 };
  const usage = { prompt_tokens: 103, completion_tokens: 23, total_tokens: 126, prompt_tokens_details: details };
  const image = { id: '', width: 1, height: 1 };
  const images = [
    { ...image, cached: true },
    { ...image, cached: false },
  ];
  expect(closingLine({ usage, images }, { firstTokenMs: 61.4, totalMs: 1250 })).toBe(
    'First token after 61 ms, 23 tokens in 1.3 s. Reused: 80 of 103 prompt tokens, 1 of 2 pictures.',
  );
});
