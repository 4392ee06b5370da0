import { isObject, type SchemaObject, TYPES, typesOf } from './schema-keywords.ts';

/**
 * Whether no value can fit two of the schemas: they are of different types, or objects that all require a property with
 * values of its own in each (a discriminator). Only then is `oneOf` the same as `anyOf`. `$ref` must have been followed.
 */
export function areDisjoint(schemas: readonly unknown[]): boolean {
  return schemas.every((a, i) => schemas.slice(i + 1).every((b) => isObject(a) && isObject(b) && pairIsDisjoint(a, b)));
}

function pairIsDisjoint(a: SchemaObject, b: SchemaObject): boolean {
  const [left, right] = [kindsOf(a), kindsOf(b)];
  if (left.isDisjointFrom(right)) return true;
  const values = [valuesOf(a), valuesOf(b)] as const;
  if (values[0] !== undefined && values[1] !== undefined) return values[0].isDisjointFrom(values[1]);
  if (left.size !== 1 || right.size !== 1 || !left.has('object')) return false;
  return requiredOf(a).some((name) => {
    if (!requiredOf(b).includes(name)) return false;
    const [inA, inB] = [valuesOf(propertyOf(a, name)), valuesOf(propertyOf(b, name))];
    return inA !== undefined && inB !== undefined && inA.isDisjointFrom(inB);
  });
}

/** Types as they differ in values: an integer is a number. */
function kindsOf(schema: SchemaObject): Set<string> {
  const values = valuesOf(schema);
  if (values !== undefined) return new Set(Array.from(values, (value) => kindOfValue(JSON.parse(value))));
  // Without `type` a schema lets other types through, whatever its keywords are about.
  const types = schema.type === undefined ? TYPES : typesOf(schema, '#');
  return new Set(types.map((type) => (type === 'integer' ? 'number' : type)));
}

function kindOfValue(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Values of `enum` or `const` as JSON, where that tells them apart: not for objects and arrays. */
function valuesOf(schema: unknown): Set<string> | undefined {
  if (!isObject(schema)) return undefined;
  const list: unknown = Object.hasOwn(schema, 'const') ? [schema.const] : schema.enum;
  if (!Array.isArray(list) || list.some((value) => typeof value === 'object' && value !== null)) return undefined;
  return new Set(list.map((value) => JSON.stringify(value)));
}

function requiredOf(schema: SchemaObject): readonly unknown[] {
  return Array.isArray(schema.required) ? schema.required : [];
}

function propertyOf(schema: SchemaObject, name: unknown): unknown {
  const { properties } = schema;
  return isObject(properties) && typeof name === 'string' && Object.hasOwn(properties, name)
    ? properties[name]
    : undefined;
}
