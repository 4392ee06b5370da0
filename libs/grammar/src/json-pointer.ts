import { isObject, schemaError } from './schema-keywords.ts';

/**
 * The schema that `$ref` names: a JSON pointer (RFC 6901) into the same document.
 *
 * @throws EideticError `invalid_request` when it leads nowhere, or elsewhere.
 */
export function lookUp(document: unknown, pointer: unknown, path: string): unknown {
  if (typeof pointer !== 'string' || (pointer !== '#' && !pointer.startsWith('#/'))) {
    throw schemaError(
      path,
      `$ref ${JSON.stringify(pointer)} does not point into the schema itself, as "#/$defs/name" does.`,
    );
  }
  let target: unknown = document;
  for (const part of decodePointer(pointer, path).split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const found =
      Array.isArray(target) || isObject(target) ? Object.entries(target).find(([name]) => name === key) : undefined;
    if (found === undefined) throw schemaError(path, `$ref ${pointer} leads nowhere.`);
    target = found[1];
  }
  return target;
}

function decodePointer(pointer: string, path: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    throw schemaError(path, `$ref ${pointer} is not well-formed: a % stands for two hexadecimal digits.`);
  }
}
