import type { CheckpointLocation } from './invalid-checkpoint.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';

/** A parsed JSON object. Keys come from a file: `__proto__` is an own property like any other. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting than any file of the family. */
const MAX_DEPTH = 32;
/** Bounds the memory of the parsed object: 300,000 tensors fit. */
const MAX_VALUES = 4_000_000;

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
    if (countValues(bytes) > MAX_VALUES) throw new Error(`more than ${MAX_VALUES} values`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
    checkKeys(text);
  } catch (error) {
    throw invalidCheckpoint(where, `The JSON is refused (${error instanceof Error ? error.message : error}).`, error);
  }
  if (!isJsonObject(value)) throw invalidCheckpoint(where, 'The JSON is not an object.');
  return value;
}

/** An upper bound: every value but the first follows a comma or opens an object or array. */
function countValues(bytes: Uint8Array): number {
  let count = 1;
  for (const byte of bytes) if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++;
  return count;
}

/** JSON.parse keeps the last of two equal keys. Runs after it: on valid JSON the pattern takes linear time. */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  let lastString = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > MAX_DEPTH) throw new Error(`nested deeper than ${MAX_DEPTH}`);
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ':') {
      const keys = open.at(-1);
      if (keys?.has(lastString)) throw new Error(`${lastString.slice(0, 200)} is named twice`);
      keys?.add(lastString);
    } else {
      // Escapes are resolved, so that "a" and "\u0061" are the same key.
      lastString = token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
    }
  }
}
