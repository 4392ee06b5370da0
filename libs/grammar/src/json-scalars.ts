import { FORMATS, formatNode } from './formats.ts';
import {
  anyNumber,
  boundedNumber,
  integerNode,
  LARGEST_BOUND,
  LARGEST_FRACTIONAL_BOUND,
  type NumberBounds,
  UNBOUNDED,
} from './json-number.ts';
import { anyText, jsonText, quoted } from './json-text.ts';
import { alt, EMPTY, type Node, seq } from './node.ts';
import { parseRegex } from './regex.ts';
import { count, isObject, type JsonType, type SchemaObject, schemaError } from './schema-keywords.ts';

/**
 * Strings that a schema describes.
 *
 * @throws EideticError `invalid_request` for keywords that are malformed, or not supported together.
 */
export function stringNode(schema: SchemaObject, path: string): Node {
  const { pattern, format } = schema;
  const min = count(schema, 'minLength', 0, path);
  const max = count(schema, 'maxLength', Number.POSITIVE_INFINITY, path);
  const rules = [pattern, format, min > 0 || max < Number.POSITIVE_INFINITY ? 'length' : undefined];
  if (rules.filter((rule) => rule !== undefined).length > 1) {
    throw schemaError(
      path,
      'of pattern, format and minLength/maxLength only one is supported at a time. Put the length into the pattern.',
    );
  }
  if (format !== undefined) {
    const node = formatNode(String(format));
    if (node !== undefined) return quoted(jsonText(node));
    throw schemaError(
      path,
      `format ${JSON.stringify(format)} is not supported; there are ${FORMATS.join(', ')}. Use pattern.`,
    );
  }
  if (pattern === undefined) return quoted(anyText(min, max));
  if (typeof pattern !== 'string') throw schemaError(path, 'pattern must be a string.');
  const branches = parseRegex(pattern).map(({ fromStart, node, toEnd }) =>
    seq(fromStart ? EMPTY : anyText(), jsonText(node), toEnd ? EMPTY : anyText()),
  );
  return quoted(alt(branches));
}

/**
 * Numbers or integers that a schema describes.
 *
 * @throws EideticError `invalid_request` for bounds that are no numbers or too large.
 */
export function numberNode(schema: SchemaObject, type: 'number' | 'integer', path: string): Node {
  const bounds = boundsOf(schema, type, path);
  if (type === 'integer') return integerNode(bounds);
  return bounds.min === UNBOUNDED.min && bounds.max === UNBOUNDED.max ? anyNumber() : boundedNumber(bounds);
}

function boundsOf(schema: SchemaObject, type: 'number' | 'integer', path: string): NumberBounds {
  const bound = (key: string): number | undefined => {
    const value = schema[key];
    if (value === undefined) return undefined;
    const limit = type === 'integer' ? LARGEST_BOUND : LARGEST_FRACTIONAL_BOUND;
    if (typeof value === 'number' && Math.abs(value) <= limit && (type === 'integer' || Number.isInteger(value)))
      return value;
    throw schemaError(
      path,
      `${key} must be ${type === 'integer' ? 'a number' : 'an integer'} of at most ${limit}, not ${JSON.stringify(value)}.`,
    );
  };
  const [min = UNBOUNDED.min, above = UNBOUNDED.min] = [bound('minimum'), bound('exclusiveMinimum')];
  const [max = UNBOUNDED.max, below = UNBOUNDED.max] = [bound('maximum'), bound('exclusiveMaximum')];
  return {
    min: Math.max(min, above),
    max: Math.min(max, below),
    minExcluded: above >= min && above > UNBOUNDED.min,
    maxExcluded: below <= max && below < UNBOUNDED.max,
  };
}

/** Whether a JSON value is of a type. */
export function isOfType(value: unknown, type: JsonType): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}
