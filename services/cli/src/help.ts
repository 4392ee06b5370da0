import { COMMANDS } from './commands.ts';

/** What `eidetic --help` prints. */
export const usage = (): string =>
  [
    'eidetic COMMAND [arguments]',
    '',
    'Serves vision-language models of the Qwen-VL family, and talks to them. To begin:',
    '',
    '  eidetic serve                                    the embedded model, on http://localhost:8080',
    '  eidetic chat photo.jpg "What is in this picture?"',
    '',
    'Commands:',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`),
    '',
    'eidetic COMMAND --help, or eidetic help COMMAND, says more.',
    '',
    'Answers go to standard output; progress and errors to standard error. Nothing is coloured where it goes to no terminal, or',
    'where NO_COLOR is set. Exit status: 0 if it went well, 1 if it failed, 2 if the command was called wrongly.',
  ].join('\n');
