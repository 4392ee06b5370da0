import { loadConfig } from '@eidetic/config';
import { EideticError } from '@eidetic/core';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION, planOf } from './config.ts';
import { loadModel } from './load-model.ts';
import { greeting, help } from './messages.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** For the person at the terminal; the log goes to standard output. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const run = async (): Promise<void> => {
  const config = loadConfig(CONFIG_DEFINITION, process.env);
  const app = createApp(config, loadModel, say);
  const { signalled } = stopOnSignals(app, process, say);
  try {
    say(greeting(await app.start(), planOf(config).modelName));
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

const [argument] = process.argv.slice(2);
if (argument === '--help') process.stdout.write(help());
else if (argument === undefined) run().catch(fail);
else fail(new EideticError('invalid_config', `Unknown argument ${argument}; see --help.`));
