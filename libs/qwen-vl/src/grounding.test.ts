import type { OutputEvent, Region } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGroundingParser, plainText } from './grounding.ts';
import { GROUNDING_TAGS } from './special-tokens.ts';

const parse = (...texts: string[]): OutputEvent[] => {
  const parser = createGroundingParser();
  return [...texts.flatMap((text) => parser.push(text)), ...parser.end()];
};
const regions = (text: string): Region[] =>
  parse(text).flatMap((event) => (event.kind === 'region' ? [event.region] : []));
const textOf = (events: readonly OutputEvent[]) =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');
/** The same events with neighbouring texts joined. */
const joined = (events: readonly OutputEvent[]) =>
  events.reduce<OutputEvent[]>((out, event) => {
    const last = out.at(-1);
    if (event.kind === 'text' && last?.kind === 'text')
      out[out.length - 1] = { kind: 'text', text: last.text + event.text };
    else out.push(event);
    return out;
  }, []);

const box = (x1: number, y1: number, x2: number, y2: number) => ({
  shape: 'box',
  corners: [
    { x: x1 / 1000, y: y1 / 1000 },
    { x: x2 / 1000, y: y2 / 1000 },
  ],
});

describe('the grounding parser', () => {
  it('reads a named box', () => {
    expect(regions('<ref> the dog</ref><box>(209,26),(906,772)</box>')).toEqual([
      { text: 'the dog', ...box(209, 26, 906, 772) },
    ]);
  });

  it('gives several boxes that follow a name that name', () => {
    const found = regions('<ref>dogs</ref><box>(1,2),(3,4)</box><box>(5,6),(7,8)</box> and <box>(9,9),(10,10)</box>');
    expect(found.map(({ text }) => text)).toEqual(['dogs', 'dogs', '']);
  });

  it('reads quadrilaterals', () => {
    expect(regions('<quad>(0,0),(1000,0),(1000,500),(0,500)</quad>')).toEqual([
      {
        text: '',
        shape: 'quad',
        corners: [
          { x: 0, y: 0 },
          { x: 1, y: 0 },
          { x: 1, y: 0.5 },
          { x: 0, y: 0.5 },
        ],
      },
    ]);
  });

  it('remembers the picture that the text before a box names', () => {
    const found = regions(
      '<box>(1,1),(2,2)</box>In Picture 2: <box>(1,1),(2,2)</box><box>(3,3),(4,4)</box>图 1 <box>(1,1),(2,2)</box>',
    );
    expect(found.map(({ picture }) => picture)).toEqual([undefined, 1, 1, 0]);
  });

  it.each([
    '<box>(1,2),(3,4)',
    '<box>(1,2)</box>',
    '<box>(1,2),(3,1001)</box>',
    '<box>(1,2),(3,-4)</box>',
    '<box>(1,2),(3,4),(5,6),(7,8)</box>',
    '<box>(1,2),(3,4)</quad>',
    '<quad>(1,2),(3,4)</quad>',
    '(1,2),(3,4)</box>',
    '<ref>dog</ref>',
  ])('takes what is malformed for text: %s', (text) => {
    expect(joined(parse(text))).toEqual([{ kind: 'text', text }]);
  });

  it('does not carry a name over to what it does not belong to', () => {
    expect(regions('<ref>a</ref>, not</box><box>(1,1),(2,2)</box>').map(({ text }) => text)).toEqual(['']);
    expect(regions('<ref>a</ref><box>(1,1),(2,2)</box><ref>b<box>(1,1),(2,2)</box>').map(({ text }) => text)).toEqual([
      'a',
      '',
    ]);
  });

  const fragments = fc
    .array(
      fc.oneof(
        fc.constantFrom(...GROUNDING_TAGS, '<', '</', 'box>', '<re', '(1,2),(3,4)', '(1,2),', 'Picture 2', ' '),
        fc.constantFrom('<ref>a</ref><box>(1,2),(3,4)</box>', '<quad>(1,2),(3,4),(5,6),(7,8)</quad>'),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 16 },
    )
    .map((parts) => parts.join(''));
  const cut = (text: string, cuts: readonly number[]) => {
    const at = [0, ...cuts.map((each) => each % (text.length + 1)).sort((a, b) => a - b), text.length];
    return at.slice(1).map((end, index) => text.slice(at[index], end));
  };

  it('gives the same events wherever the text is cut, and loses none of it', () => {
    fc.assert(
      fc.property(fragments, fc.array(fc.nat()), (text, cuts) => {
        const events = parse(...cut(text, cuts));
        expect(joined(events)).toEqual(joined(parse(text)));
        expect(textOf(events)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('never cuts a tag in two', () => {
    fc.assert(
      fc.property(fragments, (text) => {
        const whole = [...text.matchAll(/<\/?(?:ref|box|quad)>/g)].length;
        const pieces = parse(...text).map((event) => (event.kind === 'text' ? event.text : ''));
        expect(pieces.flatMap((piece) => [...piece.matchAll(/<\/?(?:ref|box|quad)>/g)])).toHaveLength(whole);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('plainText', () => {
  it('keeps names and drops tags and coordinates', () => {
    expect(plainText('See <ref>the dog</ref><box>(1,2),(3,4)</box><box>(1,2),(3,4)</box>.')).toBe('See the dog.');
  });
});
