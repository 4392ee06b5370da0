import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { EideticError } from '@eidetic/core';

/**
 * Parses a command's arguments.
 *
 * @throws EideticError `invalid_request` with the reason and `usage`.
 */
export function parseArguments<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  usage: string,
): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: T }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    throw new EideticError('invalid_request', `${cause instanceof Error ? cause.message : cause}\n\n${usage}`, {
      cause,
    });
  }
}
