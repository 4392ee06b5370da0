/** Bytes that `custom_id` may take at most, every one of its 512 characters written as an escape. */
const MAX_STRING_BYTES = 6 * 512;

const codeOf = (character: string): number => character.charCodeAt(0);
const QUOTE = codeOf('"');
const BACKSLASH = codeOf('\\');
const OPENING = new Set(['{', '['].map(codeOf));
const CLOSING = new Set(['}', ']'].map(codeOf));
const COMMA = codeOf(',');

/**
 * What is kept of a line that is too long to be held: whether there is a request in it, and whose answer it asks for. It looks at the JSON as it
 * comes and holds one string of it at a time; of what is not JSON it tells nothing of use.
 */
export class LongLine {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #string: number[] = [];
  /** The key whose value comes next in the outermost object; undefined where a key does. */
  #key: string | undefined;
  #hasRequest = false;
  #customId = '';

  /** Whether there is an object in it, and so more than blanks. */
  get hasRequest(): boolean {
    return this.#hasRequest;
  }

  /** Its `custom_id`; empty if it has none. */
  get customId(): string {
    return this.#customId;
  }

  /** Takes the next bytes. */
  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#inString) this.#addToString(byte);
      else this.#addOutside(byte);
    }
  }

  #addOutside(byte: number): void {
    if (byte === QUOTE) {
      this.#inString = true;
      this.#string = [];
    } else if (OPENING.has(byte)) {
      this.#depth += 1;
      this.#hasRequest = true;
    } else if (CLOSING.has(byte)) {
      this.#depth -= 1;
    } else if (byte === COMMA && this.#depth === 1) {
      this.#key = undefined;
    }
  }

  #addToString(byte: number): void {
    if (byte === QUOTE && !this.#escaped) {
      this.#inString = false;
      if (this.#depth === 1) this.#endString();
      return;
    }
    this.#escaped = byte === BACKSLASH && !this.#escaped;
    if (this.#depth === 1 && this.#string.length <= MAX_STRING_BYTES) this.#string.push(byte);
  }

  #endString(): void {
    const text = this.#string.length <= MAX_STRING_BYTES ? parseString(Buffer.from(this.#string).toString()) : '';
    if (this.#key === undefined) this.#key = text;
    else if (this.#key === 'custom_id') this.#customId = text;
  }
}

/** What stands between the quotes of a JSON string; empty if that is none. */
function parseString(text: string): string {
  try {
    const value: unknown = JSON.parse(`"${text}"`);
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}
