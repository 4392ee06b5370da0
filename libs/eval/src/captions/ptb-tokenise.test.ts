import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ptbTokenise } from './ptb-tokenise.ts';

const reference = z.object({ captions: z.array(z.tuple([z.string(), z.array(z.string())])) });
const path = join(import.meta.dirname, '../../test/data/metrics/ptb-tokens.json');
const { captions } = reference.parse(JSON.parse(readFileSync(path, 'utf8')));

describe('ptbTokenise', () => {
  it('has every made caption in the words of the reference', () => {
    expect(captions.length).toBeGreaterThan(900);
    for (const [caption, words] of captions) expect([caption, ptbTokenise(caption)]).toEqual([caption, words]);
  });

  it('gives words in lower case without white space, for whatever text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        for (const word of ptbTokenise(text)) expect(word).toMatch(/^\S+$/);
      }),
    );
  });

  it('does not mind how words are spaced', () => {
    const word = fc.stringMatching(/^[a-z]{2,8}$/);
    fc.assert(
      fc.property(fc.array(word), fc.constantFrom(' ', '  ', '\n', '\t', '\u3000'), (words, space) => {
        expect(ptbTokenise(words.join(space))).toEqual(ptbTokenise(words.join(' ')));
      }),
    );
  });
});
