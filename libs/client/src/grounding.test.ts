import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSegments, plainText, scaleBox } from './grounding.ts';

const text = (words: string) => ({ kind: 'text', text: words });
const reference = (words: string, ...groundings: number[]) => ({ kind: 'reference', text: words, groundings });

describe('parseSegments', () => {
  it('shows the words of a reference and hides its boxes', () => {
    expect(parseSegments('A <ref>bee</ref><box>(1,2),(3,4)</box><box>(5,6),(7,8)</box> flies.')).toEqual([
      text('A '),
      reference('bee', 0, 1),
      text(' flies.'),
    ]);
  });

  it('numbers the groundings over the whole answer, quads included', () => {
    const raw = '<ref>a</ref><quad>(1,2),(3,2),(3,4),(1,4)</quad>, <ref>b</ref> <box>(1,2),(3,4)</box>';
    expect(parseSegments(raw)).toEqual([reference('a', 0), text(', '), reference('b', 1), text(' ')]);
  });

  it('makes a reference without words of a box that stands alone', () => {
    expect(parseSegments('here: <box>(1,2),(3,4)</box>')).toEqual([text('here: '), reference('', 0)]);
  });

  it('does not count a box that the server cannot read either', () => {
    const raw = '<ref>a</ref><box>(1,2)</box><box>left</box><box>(1,2),(3,4)</box>';
    expect(parseSegments(raw)).toEqual([reference('a', 0)]);
  });

  it('shows a lone angle bracket once the answer is complete', () => {
    expect(plainText('1 < 2 and 2 <')).toBe('1 < 2 and 2 <');
    expect(parseSegments('2 <', { growing: true })).toEqual([text('2 ')]);
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
          const now = parseSegments(raw.slice(0, length), { growing: true })
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

it('scales a box to the size of what is displayed', () => {
  const scaled = scaleBox({ x1: 10, y1: 20, x2: 30, y2: 40 }, { width: 100, height: 200 }, { width: 50, height: 400 });
  expect(scaled).toEqual({ x1: 5, y1: 40, x2: 15, y2: 80 });
});
