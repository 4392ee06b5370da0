import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createGrammarCompiler } from './grammar-compiler.ts';
import { allowedIds, byteTokens, NANO, NANO_STOP, walk } from './testing.ts';

const nano = createGrammarCompiler({ vocabulary: NANO });
afterAll(() => nano.close());
// Formats have their own test.
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

const TEXTS = Array.from({ length: NANO.vocab }, (_, id) => Buffer.from(NANO.bytes(id)).toString('latin1'));

/** Picks at random; after a while closes what is open as soon as the mask lets it. */
function chooser(random: () => number, patience: number): (ids: readonly number[], step: number) => number {
  return (ids, step) => {
    if (ids.length === 0) throw new Error('Dead end.');
    if (step < patience) return ids[random() % ids.length] ?? -1;
    const closing = ids.filter((id) => id === NANO_STOP || /^["}\]]$/.test(TEXTS[id] ?? ''));
    const harmless = ids.filter((id) => !/[,[{]/.test(TEXTS[id] ?? ''));
    const best = closing.length > 0 ? closing : harmless.length > 0 ? harmless : ids;
    return best[random() % best.length] ?? -1;
  };
}

async function randomAnswer(schema: unknown, random: () => number, patience: number): Promise<string | undefined> {
  const matcher = await nano.compile({ kind: 'json-schema', schema: JSON.stringify(schema) }, [NANO_STOP]);
  const { text, ended } = await walk(matcher, NANO, NANO_STOP, chooser(random, patience), 600);
  matcher.release();
  return ended ? text : undefined;
}

/** Whether the masks let this very text through, byte by byte. */
async function accepts(schema: unknown, text: string): Promise<boolean> {
  const matcher = await nano.compile({ kind: 'json-schema', schema: JSON.stringify(schema) }, [NANO_STOP]);
  try {
    let mask = matcher.first;
    for (const id of byteTokens(NANO, text)) {
      if (!allowedIds(mask).includes(id)) return false;
      mask = await matcher.accept(id);
    }
    return allowedIds(mask).includes(NANO_STOP);
  } finally {
    matcher.release();
  }
}

const name = fc.constantFrom('a', 'ab', 'name', 'x"y', '位置', 'line\n', '');
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const bounds = fc.tuple(fc.integer({ min: -2000, max: 2000 }), fc.nat(1500));
const { schema: schemas } = fc.letrec<{ schema: object | boolean }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(
      { type: 'string' },
      { type: 'boolean' },
      { type: 'null' },
      { type: 'number' },
      { type: ['string', 'null'] },
      true,
      {},
    ),
    fc
      .tuple(fc.nat(3), fc.nat(4))
      .map(([minLength, more]) => ({ type: 'string', minLength, maxLength: minLength + more })),
    fc
      .constantFrom('^[a-z]{1,3}$', 'b', '^"|\\\\$', '[一-龥]{2}', '^a.c')
      .map((pattern) => ({ type: 'string', pattern })),
    bounds.map(([minimum, more]) => ({ type: 'integer', minimum, maximum: minimum + more })),
    bounds.map(([exclusiveMinimum, more]) => ({
      type: 'integer',
      exclusiveMinimum,
      exclusiveMaximum: exclusiveMinimum + more + 2,
    })),
    bounds.map(([minimum, more]) => ({ type: 'number', minimum, exclusiveMaximum: minimum + more + 1 })),
    bounds.map(([exclusiveMinimum, more]) => ({
      type: 'number',
      exclusiveMinimum,
      maximum: exclusiveMinimum + more + 1,
    })),
    fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    fc
      .oneof(
        scalar,
        fc.array(scalar, { maxLength: 3 }),
        fc.dictionary(name, scalar, { maxKeys: 3, noNullPrototype: true }),
      )
      .map((value) => ({ const: value })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: fc.nat(2),
      maxItems: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({
      type: fc.constant('array'),
      prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
      minItems: fc.nat(3),
    }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 3 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      },
      { requiredKeys: ['type'] },
    ),
  ),
}));

test('names that every object has by nature are names like others', async () => {
  // Ajv cannot compare such values, so the random ones do not have them.
  const value = { valueOf: 1, toString: 'b', constructor: null };
  const text = await randomAnswer({ const: value }, () => 0, 40);
  expect(JSON.parse(text ?? '')).toEqual(value);
});

test('random answers to random schemas are JSON that fits the schema', async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(schemas, fc.infiniteStream(fc.nat()), fc.nat(40), async (schema, stream, patience) => {
      const validate = ajv.compile(schema);
      const random = (): number => stream.next().value ?? 0;
      for (let i = 0; i < 3; i++) {
        const text = await randomAnswer(schema, random, patience).catch((reason) => {
          // Such as a name that is required and not allowed.
          if (String(reason.message).startsWith('No answer fits')) return undefined;
          throw reason;
        });
        if (text === undefined) continue;
        answered++;
        expect(
          validate(JSON.parse(text)),
          `${text} for ${JSON.stringify(schema)}: ${ajv.errorsText(validate.errors)}`,
        ).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
  expect(answered).toBeGreaterThan(300);
}, 240_000);

test('random JSON objects parse, and never have more than one space in a row outside of strings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat()), async (stream) => {
      const matcher = await nano.compile({ kind: 'json-object' }, [NANO_STOP]);
      const { text, ended } = await walk(
        matcher,
        NANO,
        NANO_STOP,
        chooser(() => stream.next().value ?? 0, 60),
        600,
      );
      matcher.release();
      if (!ended) return;
      expect(JSON.parse(text)).toBeTypeOf('object');
      expect(text.replace(/"(?:[^"\\]|\\.)*"/g, '')).not.toMatch(/\s\s|[\n\t]/);
    }),
    { numRuns: 30 },
  );
}, 60_000);

const POINT = { type: 'object', properties: { x: { type: 'integer' }, y: { type: 'integer' } }, required: ['x', 'y'] };
const TREE = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: { v: { type: 'string' }, kids: { type: 'array', items: { $ref: '#/$defs/node' } } },
      required: ['v'],
    },
  },
};
const SHAPES = {
  oneOf: [
    { type: 'object', properties: { kind: { const: 'circle' }, r: { type: 'number' } }, required: ['kind', 'r'] },
    {
      type: 'object',
      properties: { kind: { enum: ['box', 'cube'] }, a: { type: 'integer' } },
      required: ['kind', 'a'],
    },
  ],
};

test.each([
  ['properties in order', POINT, '{"x":1,"y":-20}', '{"y":1,"x":2}'],
  ['required properties', POINT, '{"x": 1, "y": 2}', '{"x":1}'],
  ['no further properties when some are declared', POINT, '{"x":1,"y":2}', '{"x":1,"y":2,"z":3}'],
  [
    'each name once, further ones included',
    { ...POINT, additionalProperties: true },
    '{"x":1,"y":2,"xx":3}',
    '{"x":1,"y":2,"x":"3"}',
  ],
  [
    'a name that starts like another',
    { type: 'object', properties: { ab: true }, additionalProperties: { type: 'null' } },
    '{"a":null}',
    '{"ab":1,"a":1}',
  ],
  ['recursion', TREE, '{"v":"a","kids":[{"v":"b"},{"v":"c","kids":[]}]}', '{"v":"a","kids":[{}]}'],
  ['a discriminator', SHAPES, '{"kind":"cube","a":1}', '{"kind":"cube","r":1}'],
  ['integers', { type: 'integer', minimum: 95, exclusiveMaximum: 1000 }, '999', '1000'],
  ['integers without leading zeros', { type: 'integer' }, '-10', '01'],
  ['numbers', { type: 'number', minimum: 0, maximum: 1 }, '0.75', '1.01'],
  ['numbers with exponent', { type: 'number' }, '-1.5e-10', '1e999'],
  ['lengths in characters', { type: 'string', minLength: 2, maxLength: 2 }, '"😀\\n"', '"😀"'],
  ['enum of a type', { type: 'string', enum: ['a', 1] }, '"a"', '1'],
  ['const in full', { const: { a: [1, '中'] } }, '{"a":[1,"中"]}', '{"a":[1]}'],
  ['pattern anywhere', { type: 'string', pattern: 'b+' }, '"abc"', '"ac"'],
  ['pattern with what JSON escapes', { type: 'string', pattern: '^a.c$' }, '"a\\"c"', '"a"c"'],
  ['true and false', { type: 'array', prefixItems: [true], items: false, minItems: 1 }, '[{"a":null}]', '[1,2]'],
  ['an allOf of one', { allOf: [POINT] }, '{"x":1,"y":2}', '{}'],
  ['one space at most', POINT, '{"x": 1,"y":2}', '{"x":  1,"y":2}'],
  ['date', { type: 'string', format: 'date' }, '"2024-02-29"', '"2023-02-29"'],
  ['date-time', { type: 'string', format: 'date-time' }, '"2024-12-31T23:59:59.5+01:00"', '"2024-12-31"'],
  ['time', { type: 'string', format: 'time' }, '"23:59:00Z"', '"24:00:00Z"'],
  ['uuid', { type: 'string', format: 'uuid' }, '"123e4567-e89b-12d3-a456-426614174000"', '"123e4567"'],
  ['ipv4', { type: 'string', format: 'ipv4' }, '"192.168.0.255"', '"192.168.0.256"'],
  ['email', { type: 'string', format: 'email' }, '"a.b@example.org"', '"a@b"'],
])('enforces %s', async (_, schema, good, bad) => {
  expect(await accepts(schema, good)).toBe(true);
  expect(await accepts(schema, bad)).toBe(false);
});

test.each([
  ['not', { not: { type: 'null' } }],
  ['if', { if: {}, else: {} }],
  ['multipleOf', { type: 'integer', multipleOf: 5 }],
  ['uniqueItems', { type: 'array', uniqueItems: true }],
  ['contains', { type: 'array', contains: true }],
  ['minProperties', { type: 'object', minProperties: 1 }],
  ['patternProperties', { type: 'object', patternProperties: {} }],
  ['propertyNames', { type: 'object', propertyNames: {} }],
  ['dependentRequired', { type: 'object', dependentRequired: {} }],
  ['unevaluatedProperties', { type: 'object', unevaluatedProperties: false }],
  ['$dynamicRef', { $dynamicRef: '#a' }],
  ['allOf', { allOf: [{}, {}] }],
  ['oneOf', { oneOf: [{ type: 'integer' }, { type: 'number' }] }],
  ['oneOf', { oneOf: [{ properties: { a: true } }, { type: 'string' }] }],
  ['minimum beside $ref', { $ref: '#/$defs/a', minimum: 5, $defs: { a: { type: 'integer' } } }],
  ['required beside anyOf', { anyOf: [{}], required: ['a'] }],
  ['only one', { type: 'string', pattern: 'a', maxLength: 3 }],
  ['format "hostname"', { type: 'string', format: 'hostname' }],
  ['"money" is no type', { type: 'money' }],
  ['but no type', { minimum: 1, minLength: 1 }],
  ['minimum must be an integer', { type: 'number', minimum: 0.5 }],
  ['leads nowhere', { $ref: '#/$defs/a' }],
  ['does not point into', { $ref: 'https://example.org/schema' }],
  ['leads back to itself', { anyOf: [{ $ref: '#' }, { type: 'string' }] }],
  ['No answer fits', { $ref: '#' }],
  ['No answer fits', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }],
  ['No answer fits', { type: 'object', required: ['a'], additionalProperties: false }],
  ['No answer fits', false],
  ['No answer fits', { type: 'integer', minimum: 3, maximum: 2 }],
  ['must be a list', { enum: 3 }],
  ['must be an object', { type: 'object', properties: { a: 3 } }],
])('refuses %s by name: %j', async (reason, schema) => {
  const refusal = nano.compile({ kind: 'json-schema', schema: JSON.stringify(schema) }, [NANO_STOP]);
  await expect(refusal).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(reason) });
});

test('refuses what is no JSON, nests too deeply, or is too long', async () => {
  const compile = (schema: string): Promise<unknown> => nano.compile({ kind: 'json-schema', schema }, [NANO_STOP]);
  await expect(compile('{')).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('not JSON'),
  });
  const deep = `${'{"type":"array","items":'.repeat(100)}true${'}'.repeat(100)}`;
  await expect(compile(deep)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('nested deeper'),
  });
  await expect(compile(' '.repeat(70_000))).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('too long'),
  });
});
