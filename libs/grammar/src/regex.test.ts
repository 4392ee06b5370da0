import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createGrammarCompiler } from './grammar-compiler.ts';
import { allowedIds, byteTokens, NANO, NANO_STOP, smallVocabulary, walk } from './testing.ts';

const latin = (text: string): string => Buffer.from(text).toString('latin1');
/** Whole characters, parts of them, several at once, and bytes that occur in nothing. The last one is the stop token. */
const SMALL = [
  'a',
  'b',
  'ab',
  'ba',
  'aa',
  'bab',
  '\xe4',
  '\xb8',
  '\xad',
  '\xe4\xb8',
  '\xb8\xad',
  latin('中'),
  latin('中a'),
  'a\xe4',
  latin('b中'),
  '\xad\xe4',
  'x',
  '\xe5',
  '\x80',
  '',
];
const SMALL_STOP = SMALL.length - 1;
const small = createGrammarCompiler({ vocabulary: smallVocabulary(SMALL, 40) });
const nano = createGrammarCompiler({ vocabulary: NANO });
afterAll(() => Promise.all([small.close(), nano.close()]));

/** A pattern of finite language over three characters, and its longest text. */
type Finite = { readonly source: string; readonly longest: number };
const LONGEST = 6;
const finite: fc.Arbitrary<Finite> = fc
  .letrec<{ node: Finite }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc
        .constantFrom('a', 'b', '中', '[ab]', '[a中]', String.raw`[^\u0000-ac-\u4e2c\u4e2e-\u{10ffff}]`)
        .map((source) => ({ source, longest: 1 })),
      fc
        .tuple(tie('node'), tie('node'))
        .map(([a, b]) => ({ source: a.source + b.source, longest: a.longest + b.longest })),
      fc
        .tuple(tie('node'), tie('node'))
        .map(([a, b]) => ({ source: `(${a.source}|${b.source})`, longest: Math.max(a.longest, b.longest) })),
      fc.tuple(tie('node'), fc.constantFrom('?', '{2}', '{0,2}', '{1,2}?')).map(([a, times]) => ({
        source: `(?:${a.source})${times}`,
        longest: a.longest * (times === '?' ? 1 : 2),
      })),
      tie('node').map((a) => ({ source: `(?:|${a.source})`, longest: a.longest })),
    ),
  }))
  .node.filter((pattern) => pattern.longest <= LONGEST);

/** Every text of the three characters up to the longest. */
const TEXTS = [''];
for (let i = 0; (TEXTS[i] ?? '').length < LONGEST; i++) for (const char of 'ab中') TEXTS.push(TEXTS[i] + char);

test('allows exactly the tokens that some answer goes on with, and the stop token exactly where one ends', async () => {
  await fc.assert(
    fc.asyncProperty(finite, async ({ source }) => {
      const words = TEXTS.filter((text) => new RegExp(`^(?:${source})$`, 'u').test(text)).map(latin);
      const open = [{ prefix: '', ids: [] as number[] }];
      for (let i = 0; i < Math.min(open.length, 25); i++) {
        const { prefix, ids } = open[i] ?? { prefix: '', ids: [] };
        const matcher = await small.compile({ kind: 'regex', pattern: source }, [SMALL_STOP]);
        let mask = matcher.first;
        for (const id of ids) mask = await matcher.accept(id);
        matcher.release();
        const expected = SMALL.flatMap((token, id) =>
          token === ''
            ? words.includes(prefix)
              ? [id]
              : []
            : words.some((word) => word.startsWith(prefix + token))
              ? [id]
              : [],
        );
        expect(allowedIds(mask), `${source} after ${JSON.stringify(prefix)}`).toEqual(expected);
        for (const id of expected) if (id !== SMALL_STOP) open.push({ prefix: prefix + SMALL[id], ids: [...ids, id] });
      }
    }),
    { numRuns: 60 },
  );
}, 120_000);

const PATTERNS = [
  '(yes|no|maybe)',
  '^(是|否|不确定)$',
  String.raw`\d{3}-\d{4}`,
  '[一-鿿]{1,4}[，。]',
  '[A-Z][a-z]{0,5}( [A-Z][a-z]{0,5}){0,2}',
  String.raw`#[0-9a-fA-F]{6}|rgb\((25[0-5]|1?\d?\d)(, ?\d{1,2}){2}\)`,
  String.raw`[^\s"\\]{1,6}`,
  String.raw`.{0,5}[\u{1F600}-\u{1F64F}]\uD83D\uDE80?`,
  '((a*)*b?){0,3}(c+)+',
  '(|x){3}y',
  String.raw`[\w\-.]{1,5}@[\W\d]{2}`,
  'x*?(?<name>y+?)z??',
];

test('random answers match the pattern as JavaScript reads it', async () => {
  for (const pattern of PATTERNS) {
    const reference = new RegExp(`^(?:${pattern})$`, 'u');
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (choices) => {
        const matcher = await nano.compile({ kind: 'regex', pattern }, [NANO_STOP]);
        const choose = (ids: readonly number[], step: number): number => {
          if (ids.length === 0) throw new Error(`Dead end in ${pattern}.`);
          const pick = choices.next().value ?? 0;
          if (step > 12 && ids.includes(NANO_STOP)) return NANO_STOP;
          return ids[pick % ids.length] ?? -1;
        };
        const { text, ended } = await walk(matcher, NANO, NANO_STOP, choose, 300);
        matcher.release();
        if (ended) expect(text).toMatch(reference);
      }),
      { numRuns: 15 },
    );
  }
}, 120_000);

test('follows texts that match and stops at the byte that does not', async () => {
  for (const [pattern, good, bad] of [
    ['[一-鿿]{2}', '中文', '中a'],
    ['.+', '😀é', 'a\n'],
    [String.raw`\S`, '[', '\u3000'],
    ['[^中]', '国', '中'],
    [String.raw`\x41\u{42}\cI\0`, 'AB\t\0', 'AB\t1'],
    [String.raw`[\b\]-]`, '-', '\\'],
  ] as const) {
    const accepts = async (text: string): Promise<boolean> => {
      const matcher = await nano.compile({ kind: 'regex', pattern }, [NANO_STOP]);
      let mask = matcher.first;
      for (const id of byteTokens(NANO, text)) {
        if (!allowedIds(mask).includes(id)) return false;
        mask = await matcher.accept(id);
      }
      matcher.release();
      return allowedIds(mask).includes(NANO_STOP);
    };
    expect(await accepts(good), `${pattern} ${good}`).toBe(true);
    expect(await accepts(bad), `${pattern} ${bad}`).toBe(false);
  }
});

test.each([
  ['(a', 'Not a regular expression'],
  ['(?=a)b', 'lookahead'],
  ['(?<!a)b', 'negative lookbehind'],
  [String.raw`(a)\1`, 'backreferences'],
  [String.raw`a\b`, 'word boundaries'],
  [String.raw`\p{L}+`, String.raw`\p`],
  ['(?i:a)', 'modifiers'],
  ['a^b', "'^'"],
  ['(a$)b', "'$'"],
  ['a$b', "'$'"],
  [`${'('.repeat(80)}a${')'.repeat(80)}`, 'nested deeper'],
  ['[]', 'No answer fits'],
  ['(x{1000}){1000}', 'too large'],
])('refuses %s, saying why', async (pattern, reason) => {
  const refusal = nano.compile({ kind: 'regex', pattern }, [NANO_STOP]);
  await expect(refusal).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(reason) });
});
