import type { CheckpointLocation } from './invalid-checkpoint.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';

/** A parsed JSON object. Keys come from a file: `__proto__` is an own property like any other. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting than any configuration of the family. */
const MAX_DEPTH = 32;
/** Commas bound the number of values, hence the memory of the parsed object: 300,000 tensors fit. */
const MAX_COMMAS = 2_000_000;

/** Whether a parsed JSON value is an object. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Parses UTF-8 JSON whose top value is an object.
 *
 * @throws EideticError `invalid_checkpoint` for text that is not such JSON, names a key twice in one object, nests too
 * deep or holds too many values.
 */
export function parseJsonObject(bytes: Uint8Array, where: CheckpointLocation): JsonObject {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    checkStructure(text);
    value = JSON.parse(text);
  } catch (error) {
    throw invalidCheckpoint(
      where,
      `Not valid JSON (${error instanceof Error ? error.message : String(error)}).`,
      error,
    );
  }
  if (!isJsonObject(value)) throw invalidCheckpoint(where, 'The JSON is not an object.');
  return value;
}

/** JSON.parse keeps the last of two equal keys and has no limits: both are looked for first. */
function checkStructure(text: string): void {
  const keysOfOpen: Set<string>[] = [];
  let commas = 0;
  let lastString = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (token === '{' || token === '[') {
      if (keysOfOpen.push(new Set()) > MAX_DEPTH) throw new Error(`nested deeper than ${MAX_DEPTH}`);
    } else if (token === '}' || token === ']') {
      keysOfOpen.pop();
    } else if (token === ',') {
      if (++commas > MAX_COMMAS) throw new Error(`more than ${MAX_COMMAS} values`);
    } else if (token === ':') {
      const keys = keysOfOpen.at(-1);
      if (keys?.has(lastString)) throw new Error(`${lastString.slice(0, 200)} is named twice`);
      keys?.add(lastString);
    } else {
      // Escapes are resolved, so that "a" and "\u0061" are the same key.
      lastString = token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
    }
  }
}
