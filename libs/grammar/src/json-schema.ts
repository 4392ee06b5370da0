import { lookUp } from './json-pointer.ts';
import { isOfType, numberNode, stringNode } from './json-scalars.ts';
import { COLON, COMMA, otherNames, quoted } from './json-text.ts';
import { alt, EMPTY, NEVER, type Node, optional, type Rules, ref, repeat, seq, text } from './node.ts';
import { areDisjoint } from './one-of.ts';
import {
  checkKeywords,
  count,
  isObject,
  type JsonType,
  type SchemaObject,
  schemaError,
  TYPES,
  typesOf,
  WHOLE_KEYWORDS,
} from './schema-keywords.ts';

/** Schemas within schemas, `$ref` not counted; the converter calls itself for each. */
const MAX_DEPTH = 64;

/** No constraints, and the types that make up everything. */
const FREE: SchemaObject = {};
const FREE_TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const;

/** Any JSON object. */
export function jsonObjectRules(): Rules {
  return schemaRules({ type: 'object' });
}

/**
 * Rules of the JSON texts that answer a JSON Schema. They hold every text to the schema, and are narrower than it in ways that a reader
 * of the answer does not miss: properties come in the schema's order, each name at most once; none are added unless
 * `additionalProperties` is given or no properties are; blanks are at most one space behind a comma or a colon.
 *
 * @throws EideticError `invalid_request`, naming the place and the keyword, for what is not supported or malformed.
 */
export function schemaRules(schema: unknown): Rules {
  const converter = createConverter(schema);
  const root = converter.convert(schema, '#', 0);
  return converter.rules(root);
}

interface Converter {
  convert(schema: unknown, path: string, depth: number): Node;
  rules(root: Node): Rules;
}

function createConverter(document: unknown): Converter {
  const rules = new Map<string, Node>();
  const names = new Map<string, string>();

  /** The rule of a key; `make` runs once, and may refer to the rule that it makes. */
  function rule(key: string, make: () => Node): Node {
    let name = names.get(key);
    if (name === undefined) {
      name = `r${names.size}`;
      names.set(key, name);
      rules.set(name, make());
    }
    return ref(name);
  }

  const ids = new Map<SchemaObject, number>();
  /** A number for a schema of the document. */
  function idOf(schema: SchemaObject): number {
    const id = ids.get(schema) ?? ids.size;
    ids.set(schema, id);
    return id;
  }

  const anyValue = (): Node => rule('any', () => alt(FREE_TYPES.map((type) => typed(type, FREE, '#', 0))));

  function convert(schema: unknown, path: string, depth: number): Node {
    if (schema === false) return NEVER;
    if (schema === true) return anyValue();
    if (!isObject(schema)) throw schemaError(path, 'a schema must be an object, true or false.');
    if (depth > MAX_DEPTH) throw schemaError(path, `nested deeper than ${MAX_DEPTH}.`);
    checkKeywords(schema, path);
    const whole = WHOLE_KEYWORDS.find((key) => Object.hasOwn(schema, key));
    if (whole !== undefined) return convertWhole(schema, whole, path, depth);
    const types = typesOf(schema, path);
    if (types === TYPES) return anyValue();
    // A number of any kind covers integers.
    const kinds = types.includes('number') ? types.filter((type) => type !== 'integer') : types;
    return alt(kinds.map((type) => typed(type, schema, path, depth)));
  }

  function convertWhole(schema: SchemaObject, key: (typeof WHOLE_KEYWORDS)[number], path: string, depth: number): Node {
    const value = schema[key];
    if (key === '$ref') return reference(value, path);
    if (key === 'const') return literals([value], schema, path);
    if (!Array.isArray(value) || value.length === 0)
      throw schemaError(path, `${key} must be a list that is not empty.`);
    if (key === 'enum') return literals(value, schema, path);
    const branches: readonly unknown[] = value;
    if (key === 'allOf' && branches.length > 1) {
      throw schemaError(path, 'allOf of several schemas is not supported. Merge them into one.');
    }
    if (key === 'oneOf' && !areDisjoint(branches.map((branch) => resolve(branch, path)))) {
      throw schemaError(
        path,
        'oneOf is supported where no value can fit two of its schemas: different types, or objects that all require a property with different const or enum. Use anyOf.',
      );
    }
    return alt(branches.map((branch, i) => convert(branch, `${path}/${key}/${i}`, depth + 1)));
  }

  function literals(values: readonly unknown[], schema: SchemaObject, path: string): Node {
    const types = typesOf({ type: schema.type }, path);
    const fitting = values.filter((value) => types.some((type) => isOfType(value, type)));
    return rule(`values ${idOf(schema)}`, () => alt(fitting.map((value) => text(JSON.stringify(value)))));
  }

  function reference(pointer: unknown, path: string): Node {
    return rule(`ref ${String(pointer)}`, () => convert(lookUp(document, pointer, path), String(pointer), 0));
  }

  /** Follows `$ref` to what has none. */
  function resolve(schema: unknown, path: string): unknown {
    let target = schema;
    for (let hops = 0; isObject(target) && target.$ref !== undefined; hops++) {
      if (hops > MAX_DEPTH) throw schemaError(path, '$ref leads in a circle.');
      target = lookUp(document, target.$ref, path);
    }
    return target;
  }

  function typed(type: JsonType, schema: SchemaObject, path: string, depth: number): Node {
    switch (type) {
      case 'object':
        return objectNode(schema, path, depth);
      case 'array':
        return arrayNode(schema, path, depth);
      case 'boolean':
        return alt([text('true'), text('false')]);
      case 'null':
        return text('null');
      case 'string': {
        const key = JSON.stringify(['minLength', 'maxLength', 'pattern', 'format'].map((name) => schema[name]));
        return rule(`string ${key}`, () => stringNode(schema, path));
      }
      default: {
        const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name) => schema[name]);
        return rule(`${type} ${JSON.stringify(bounds)}`, () => numberNode(schema, type, path));
      }
    }
  }

  function objectNode(schema: SchemaObject, path: string, depth: number): Node {
    const { properties = {}, required = [], additionalProperties: additional } = schema;
    if (!isObject(properties)) throw schemaError(path, 'properties must be an object.');
    if (!Array.isArray(required) || required.some((name) => typeof name !== 'string')) {
      throw schemaError(path, 'required must be a list of names.');
    }
    const key = `object ${idOf(schema)}`;
    return rule(key, () => {
      const declared = Object.keys(properties);
      const allNames = [...new Set([...declared, ...required.map(String)])];
      const others = additional ?? allNames.length === 0;
      const pairs = allNames.map((name) => {
        const value = Object.hasOwn(properties, name)
          ? convert(properties[name], `${path}/properties/${name}`, depth + 1)
          : convert(additional ?? true, `${path}/additionalProperties`, depth + 1);
        return { needed: required.includes(name), node: seq(text(JSON.stringify(name)), COLON, value) };
      });
      const extra = convert(others, `${path}/additionalProperties`, depth + 1);
      return seq(text('{'), members(key, pairs, seq(quoted(otherNames(allNames)), COLON, extra)), text('}'));
    });
  }

  /** Pairs in order, each left out unless it is needed, then any number of `extra`; commas between. */
  function members(key: string, pairs: readonly { needed: boolean; node: Node }[], extra: Node): Node {
    const more = rule(`${key} extra`, () => seq(COMMA, extra));
    let after: Node = extra === NEVER ? EMPTY : repeat(more, 0, Number.POSITIVE_INFINITY);
    let first: Node = optional(seq(extra, after));
    for (const [i, { needed, node }] of Array.from(pairs.entries()).reverse()) {
      const [afterThis, firstAfterThis] = [after, first];
      first = alt([seq(node, after), ...(needed ? [] : [firstAfterThis])]);
      after = rule(`${key} ${i}`, () => alt([seq(COMMA, node, afterThis), ...(needed ? [] : [afterThis])]));
    }
    return first;
  }

  function arrayNode(schema: SchemaObject, path: string, depth: number): Node {
    const prefix = schema.prefixItems ?? [];
    if (!Array.isArray(prefix)) throw schemaError(path, 'prefixItems must be a list of schemas.');
    if (Array.isArray(schema.items)) throw schemaError(path, 'items as a list is not supported. Use prefixItems.');
    if ((schema.uniqueItems ?? false) !== false) {
      throw schemaError(path, 'uniqueItems is not supported. An answer could not be held to it; leave it out.');
    }
    const min = count(schema, 'minItems', 0, path);
    const max = count(schema, 'maxItems', Number.POSITIVE_INFINITY, path);
    return rule(`array ${idOf(schema)}`, () => {
      const others = schema.items ?? (prefix.length === 0 || min > prefix.length);
      const item = convert(others, `${path}/items`, depth + 1);
      const first = prefix.map((part, i) => convert(part, `${path}/prefixItems/${i}`, depth + 1));
      return seq(text('['), elements(first, item, min, max), text(']'));
    });
  }

  return { convert, rules: (root) => new Map([['root', root], ...rules]) };
}

/** From `min` to `max` elements: those of `prefix`, then any number of `item`; commas between. */
function elements(prefix: readonly Node[], item: Node, min: number, max: number): Node {
  const at = (i: number, node: Node): Node => (i === 0 ? node : seq(COMMA, node));
  const length = prefix.length;
  if (max <= length) return nest(prefix.slice(0, max), EMPTY);
  const more = seq(COMMA, item);
  const rest =
    length === 0
      ? seq(item, repeat(more, Math.max(0, min - 1), max - 1))
      : repeat(more, Math.max(0, min - length), max - length);
  return nest(prefix, length === 0 && min === 0 ? optional(rest) : rest);

  function nest(list: readonly Node[], end: Node): Node {
    let node = end;
    for (const [i, part] of Array.from(list.entries()).reverse()) {
      const here = seq(at(i, part), node);
      node = i >= min ? optional(here) : here;
    }
    return node;
  }
}
