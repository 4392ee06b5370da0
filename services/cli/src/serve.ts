import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleNameOf } from '@eidetic/bundle';
import { becomeService, settingsOf } from '@eidetic/launcher';
import { unknownOption } from './arguments.ts';
import type { Command } from './commands.ts';
import { serviceSettings } from './service-settings.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic serve [CHECKPOINT | BUNDLE] [options]

Serves a model to whoever reaches this machine's port: web page, OpenAI's HTTP API, gRPC, health and metrics. Without a folder
it serves the embedded model. A checkpoint is converted when it is first served; a bundle (eidetic convert) is served as it is.
Ctrl-C lets running answers end; a second one stops at once.

  --port PORT              default 8080
  --host ADDRESS           to listen on; default 127.0.0.1, which only this machine reaches
  --precision PRECISION    of the language model and its head: float32, float16, int8 (default; GPTQ's weights stay int4) or int4
  --slots N                answers that are generated at the same time; default 4
  --threads N              that compute; default one per core
  --SETTING VALUE          any other setting of the server: --max-context 2048 is EIDETIC_MAX_CONTEXT=2048
  --settings               list all settings, and serve nothing

EIDETIC_* variables hold as well; an option goes before them. docs/configuration.md describes each.

Examples:
  eidetic serve --port 9000
  eidetic serve ~/models/Qwen-VL-Chat --precision int4 --slots 8`;

/** Options with a name of their own, and the settings that they stand for. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  port: ['http-port'],
  host: ['http-host'],
  precision: ['decoder-precision', 'head-precision'],
};

const MODEL = 'EIDETIC_MODEL';

/** Settings that are relative to the project's folder; at a terminal a path is meant from where the user stands. */
const PATHS = ['model', 'cache-dir'];

const variableOf = (option: string): string => `EIDETIC_${option.toUpperCase().replaceAll('-', '_')}`;
const optionOf = (variable: string): string => variable.slice('EIDETIC_'.length).toLowerCase().replaceAll('_', '-');

/** `eidetic serve` becomes the standalone server. */
export const serve: Command = {
  usage,
  async run(args) {
    const known = (await settingsOf('standalone')).map(({ name, description }) => ({
      option: optionOf(name),
      description,
    }));
    const read = readOptions(
      args,
      known.map(({ option }) => option),
    );
    if (read === 'list') {
      process.stdout.write(`${known.map(({ option, description }) => `--${option}\n${description}`).join('\n')}\n`);
      return undefined;
    }
    becomeService('standalone', { ...serviceSettings(process.env), ...read });
  },
};

/** The variables that the arguments say. */
function readOptions(args: readonly string[], known: readonly string[]): Readonly<Record<string, string>> | 'list' {
  const names = [...Object.keys(SHORT_NAMES), ...known];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }] as const));
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, settings: { type: 'boolean' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const variables: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (variables[MODEL] !== undefined) throw new UsageError(`One model is served; ${token.value} would be another.`);
      variables[MODEL] = resolve(token.value);
    } else if (token.kind === 'option') {
      if (token.name === 'settings') return 'list';
      if (!names.includes(token.name)) throw new UsageError(unknownOption(token.rawName, [...names, 'settings']));
      if (token.value === undefined) throw new UsageError(`${token.rawName} needs a value.`);
      const value = PATHS.includes(token.name) ? resolve(token.value) : token.value;
      for (const name of SHORT_NAMES[token.name] ?? [token.name]) variables[variableOf(name)] = value;
    }
  }
  const model = variables[MODEL];
  const precisions = Object.keys(variables).filter((name) => name.endsWith('_PRECISION'));
  if (model !== undefined && precisions.length > 0 && bundleNameOf(model) !== undefined) {
    throw new UsageError(
      `${model} is a bundle, which has its precision. Convert the checkpoint again for another one.`,
    );
  }
  return variables;
}
