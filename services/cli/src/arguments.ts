import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { nearestName } from '@eidetic/config';
import { UsageError } from './usage-error.ts';

/**
 * Parses a command's arguments.
 *
 * @throws UsageError with the reason, and for an unknown option with the one that was probably meant.
 */
export function parseArguments<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: T }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const [, unknown] = /^Unknown option '(--[^']+)'/.exec(message) ?? [];
    throw new UsageError(unknown === undefined ? message : unknownOption(unknown, Object.keys(options)), { cause });
  }
}

/** What is said of an option that there is not. */
export function unknownOption(written: string, known: readonly string[]): string {
  const nearest = nearestName(
    written,
    known.map((name) => `--${name}`),
  );
  return `There is no option ${written}${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
}

/** @throws UsageError if the text is no whole number from `min` to `max`. */
export function wholeNumber(option: string, text: string, min = 1, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`${option} is ${text}; a whole number ${range} is needed.`);
}

/** @throws UsageError if the text is no number from `min` to `max`. */
export function decimal(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`${option} is ${text}; a number from ${min} to ${max} is needed.`);
}

/** @throws UsageError if the text is no http:// or https:// address. */
export function serverAddress(option: string, text: string): string {
  if (/^https?:\/\/./.test(text) && URL.canParse(text)) return text;
  throw new UsageError(`${option} is ${text}; an address such as http://localhost:8080 is needed.`);
}
