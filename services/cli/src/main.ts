import { EideticError } from '@eidetic/core';
import { CONVERT_USAGE, convertCommand } from './convert.ts';
import { EVAL_USAGE, evalCommand } from './eval.ts';
import { say } from './terminal.ts';
import { UP_USAGE, upCommand } from './up.ts';

interface Command {
  readonly summary: string;
  readonly usage: string;
  readonly run: (args: readonly string[], signal: AbortSignal) => Promise<void>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  convert: { summary: 'make a bundle from a checkpoint', usage: CONVERT_USAGE, run: convertCommand },
  eval: { summary: "score a server's answers", usage: EVAL_USAGE, run: evalCommand },
  up: { summary: 'start a cluster on this machine', usage: UP_USAGE, run: upCommand },
};

const usage = (): string =>
  [
    'eidetic COMMAND [arguments]',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`),
  ]
    .concat('', 'eidetic COMMAND --help says more. The server starts with `make run`.')
    .join('\n');

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(`${usage()}\n`);
    return;
  }
  const command = COMMANDS[name];
  if (!command) throw new EideticError('invalid_request', `There is no command '${name}'.\n\n${usage()}`);
  if (args.includes('--help')) {
    process.stdout.write(`${command.usage}\n`);
    return;
  }
  const cancel = new AbortController();
  process.once('SIGINT', () => cancel.abort()).once('SIGTERM', () => cancel.abort());
  await command.run(args, cancel.signal);
}

main(process.argv.slice(2)).catch((reason: unknown) => {
  const error = EideticError.from(reason);
  say(`eidetic: ${error.code === 'internal' ? error.stack : error.message}`);
  process.exitCode = 1;
});
