import { EideticError } from '@eidetic/core';

/** A schema that is an object. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** Types of JSON Schema. */
export const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof TYPES)[number];

/** Keywords that describe without constraining. */
const ANNOTATIONS = [
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'discriminator',
];

const NUMBER_KEYWORDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

/** Keywords that constrain one type, and are enforced. */
const TYPE_KEYWORDS: Readonly<Record<JsonType, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: NUMBER_KEYWORDS,
  integer: NUMBER_KEYWORDS,
  boolean: [],
  null: [],
};

/** Keywords that say by themselves what an answer is. */
export const WHOLE_KEYWORDS = ['$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...ANNOTATIONS,
  ...WHOLE_KEYWORDS,
  'type',
  ...Object.values(TYPE_KEYWORDS).flat(),
]);

/** An `invalid_request` about a place in a schema. */
export function schemaError(path: string, message: string): EideticError {
  return new EideticError('invalid_request', `The JSON Schema at ${path}: ${message}`, { details: { path } });
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses what would not be enforced.
 *
 * @throws EideticError `invalid_request` naming the keywords.
 */
export function checkKeywords(schema: SchemaObject, path: string): void {
  const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) {
    throw schemaError(
      path,
      `not supported: ${unknown.join(', ')}. An answer could not be held to it; leave it out or say it differently.`,
    );
  }
  const whole = WHOLE_KEYWORDS.filter((key) => Object.hasOwn(schema, key));
  const [first] = whole;
  if (first === undefined) return;
  const allowed = first === 'enum' || first === 'const' ? ['type'] : [];
  const beside = Object.keys(schema).filter(
    (key) => key !== first && !ANNOTATIONS.includes(key) && !allowed.includes(key),
  );
  if (beside.length > 0) {
    throw schemaError(
      path,
      `${beside.join(', ')} beside ${first} is not supported. Write each alternative out in full.`,
    );
  }
}

/**
 * Types that a schema asks for; without `type`, those its keywords are about (narrower than JSON Schema, never wider), or
 * all of them.
 *
 * @throws EideticError `invalid_request` for an unknown type, and for keywords of several types without `type`.
 */
export function typesOf(schema: SchemaObject, path: string): readonly JsonType[] {
  const { type } = schema;
  if (type !== undefined) {
    const list: readonly unknown[] = Array.isArray(type) ? type : [type];
    return list.map((name) => {
      const known = TYPES.find((candidate) => candidate === name);
      if (known === undefined)
        throw schemaError(path, `${JSON.stringify(name)} is no type; there are ${TYPES.join(', ')}.`);
      return known;
    });
  }
  const about = (['object', 'array', 'string', 'number'] as const).filter((name) =>
    TYPE_KEYWORDS[name].some((key) => Object.hasOwn(schema, key)),
  );
  if (about.length > 1)
    throw schemaError(path, `keywords for ${about.join(' and ')}, but no type. Say which with "type".`);
  return about.length === 1 ? about : TYPES;
}

/** An integer of 0 or more under a keyword. */
export function count(schema: SchemaObject, key: string, absent: number, path: string): number {
  const value = schema[key];
  if (value === undefined) return absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw schemaError(path, `${key} must be an integer of 0 or more, not ${JSON.stringify(value)}.`);
}
