import { nearestName } from '@eidetic/config';
import { EideticError } from '@eidetic/core';
import { COMMANDS, type Command } from './commands.ts';
import { usage } from './help.ts';
import { say } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function findCommand(name: string): Promise<Command> {
  const entry = COMMANDS[name];
  if (entry !== undefined && Object.hasOwn(COMMANDS, name)) return entry.load();
  const nearest = nearestName(name, Object.keys(COMMANDS));
  const hint = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  throw new UsageError(`There is no command '${name}'.${hint} See 'eidetic --help'.`);
}

/** Whether help is asked for among the options: what follows `--` is none. */
const asksForHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
};

async function run(name: string, args: readonly string[]): Promise<number> {
  const command = await findCommand(name);
  if (asksForHelp(args)) {
    print(command.usage);
    return 0;
  }
  const cancel = new AbortController();
  const interrupt = (): void => cancel.abort(new EideticError('cancelled', 'Interrupted.'));
  process.once('SIGTERM', interrupt);
  if (!command.handlesInterrupt) process.once('SIGINT', interrupt);
  try {
    return (await command.run(args, cancel.signal)) ?? 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}\nSee 'eidetic ${name} --help'.`, { cause: error });
  }
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === 'help' && args[0] !== undefined) {
    print((await findCommand(args[0])).usage);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(usage());
    return 0;
  }
  return run(name, args);
}

// `eidetic … | head`: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (reason: unknown) => {
    const error = EideticError.from(reason);
    say(`eidetic: ${error.code === 'internal' ? error.stack : error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
