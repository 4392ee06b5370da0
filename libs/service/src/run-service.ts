import { type Config, type ConfigDefinition, loadConfig } from '@eidetic/config';
import { EideticError } from '@eidetic/core';
import { collectYoungBuffers } from './collect-young-buffers.ts';
import type { Service } from './service.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** What makes a program of a service. */
export interface Program<D extends ConfigDefinition, Started> {
  /** The text of `--help`. */
  readonly help: string;
  readonly definition: D;
  /** `say` is for the person at the terminal; the log goes to standard output. */
  readonly create: (config: Config<D>, say: (line: string) => void) => Service<Started>;
  /** What is said once requests are answered. */
  readonly greeting: (started: Started, config: Config<D>) => string;
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const serve = async <D extends ConfigDefinition, Started>(program: Program<D, Started>): Promise<void> => {
  const config = loadConfig(program.definition, process.env);
  collectYoungBuffers();
  const service = program.create(config, say);
  const { signalled } = stopOnSignals(service, process, say);
  try {
    say(program.greeting(await service.start(), config));
  } catch (error) {
    // A start that a signal ends is no failure.
    if (!signalled()) throw error;
  }
};

const fail = (reason: unknown): void => {
  const error = EideticError.from(reason);
  say(error.code === 'internal' ? String(error.stack) : error.message);
  process.exit(1);
};

/** Runs a service as this process, configured by the environment, until a signal ends it; or prints its help. */
export const runService = <D extends ConfigDefinition, Started>(program: Program<D, Started>): void => {
  const [argument] = process.argv.slice(2);
  if (argument === '--help') process.stdout.write(program.help);
  else if (argument === undefined) serve(program).catch(fail);
  else fail(new EideticError('invalid_config', `Unknown argument ${argument}; see --help.`));
};
