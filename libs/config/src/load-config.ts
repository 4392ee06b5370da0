import { EideticError } from '@eidetic/core';
import type { Config, ConfigDefinition, Setting } from './definition.ts';
import { nearestName } from './nearest-name.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'EIDETIC_';

const unknownVariables = (names: readonly string[], env: Environment): string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !names.includes(name))
    .map((name) => {
      const nearest = nearestName(name, names);
      return `${name}: no such setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    });

const read = (setting: Setting, env: Environment): { value?: unknown; problem?: string } => {
  // An empty variable is how compose files and shells write "not set".
  const written = env[setting.name] || setting.default;
  if (written === undefined) return { problem: `${setting.name}: required; expected ${setting.kind.description}` };
  const outcome = setting.kind.safeParse(written);
  if (outcome.success) return { value: outcome.data };
  const shown = setting.secret ? '' : ` ${JSON.stringify(written)} is not valid;`;
  return { problem: `${setting.name}:${shown} expected ${setting.kind.description}` };
};

/**
 * Reads every setting once. Variables that are not set, or empty, take their default.
 *
 * @throws EideticError `invalid_config` that lists every variable that is wrong, missing or unknown.
 */
export const loadConfig = <D extends ConfigDefinition>(definition: D, env: Environment): Config<D> => {
  const settings = Object.entries(definition).map(([field, setting]) => ({ field, ...read(setting, env) }));
  const names = Object.values(definition).map((setting) => setting.name);
  const problems = [...settings.flatMap(({ problem }) => problem ?? []), ...unknownVariables(names, env)];
  if (problems.length > 0) {
    throw new EideticError('invalid_config', `The configuration is wrong:\n  ${problems.join('\n  ')}`);
  }
  return Object.freeze(Object.fromEntries(settings.map(({ field, value }) => [field, value]))) as Config<D>;
};

/** The configuration as it may be logged: secrets are replaced. */
export const redactConfig = <D extends ConfigDefinition>(
  definition: D,
  config: Config<D>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(config).map(([field, value]) => [field, definition[field]?.secret ? '[redacted]' : value]),
  );
