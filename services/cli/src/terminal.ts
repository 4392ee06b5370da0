const ERASE_LINE = '\r\u001b[K';

/** Shows where a command stands, in place of what was shown before. Says nothing where standard error is no terminal: a log. */
export function show(text: string): void {
  // A line that wraps could not be erased whole.
  if (process.stderr.isTTY) process.stderr.write(`${ERASE_LINE}${text.slice(0, process.stderr.columns - 1)}`);
}

/** Writes a line to standard error, in place of what was shown before. */
export function say(line: string): void {
  process.stderr.write(`${process.stderr.isTTY ? ERASE_LINE : ''}${line}\n`);
}
