import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnswer, plainText } from '../public/markup.js';

const text = (words: string) => ({ kind: 'text', text: words });
const reference = (words: string, ...groundings: number[]) => ({ kind: 'reference', text: words, groundings });

describe('parseAnswer', () => {
  it('shows the words of a reference and hides its boxes', () => {
    expect(parseAnswer('A <ref>bee</ref><box>(1,2),(3,4)</box><box>(5,6),(7,8)</box> flies.', false)).toEqual([
      text('A '),
      reference('bee', 0, 1),
      text(' flies.'),
    ]);
  });

  it('numbers the groundings over the whole answer, quads included', () => {
    const raw = '<ref>a</ref><quad>(1,2),(3,2),(3,4),(1,4)</quad>, <ref>b</ref> <box>(1,2),(3,4)</box>';
    expect(parseAnswer(raw, false)).toEqual([reference('a', 0), text(', '), reference('b', 1), text(' ')]);
  });

  it('makes a reference without words of a box that stands alone', () => {
    expect(parseAnswer('here: <box>(1,2),(3,4)</box>', false)).toEqual([text('here: '), reference('', 0)]);
  });

  it('does not count a box that the server cannot read either', () => {
    const raw = '<ref>a</ref><box>(1,2)</box><box>left</box><box>(1,2),(3,4)</box>';
    expect(parseAnswer(raw, false)).toEqual([reference('a', 0)]);
  });

  it('shows a lone angle bracket once the answer is complete', () => {
    expect(plainText('1 < 2 and 2 <')).toBe('1 < 2 and 2 <');
    expect(parseAnswer('2 <', true)).toEqual([text('2 ')]);
  });

  it('drops stray and unclosed tags', () => {
    expect(plainText('a</box> b</ref> <ref>c<box>(1,2),(3')).toBe('a b c(1,2),(3');
    expect(plainText('a <box>(1,2),(3')).toBe('a ');
  });

  it('never shows markup while an answer grows, and never takes back what it has shown', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', '框', '🐝'), minLength: 1 });
    const box = fc.tuple(fc.nat(999), fc.nat(999)).map(([x, y]) => `<box>(${x},${y}),(${x},${y})</box>`);
    const piece = fc.oneof(
      words,
      box,
      fc.tuple(words, fc.array(box)).map(([ref, boxes]) => `<ref>${ref}</ref>${boxes.join('')}`),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const raw = pieces.join('');
        let shown = '';
        for (let length = 0; length <= raw.length; length++) {
          const now = parseAnswer(raw.slice(0, length), true)
            .map((segment) => segment.text)
            .join('');
          expect(now).not.toMatch(/[<>()0-9/]/);
          expect(now.startsWith(shown)).toBe(true);
          shown = now;
        }
        expect(shown).toBe(plainText(raw));
      }),
    );
  });
});
