export type { Config, ConfigDefinition, Setting } from './definition.ts';
export { describeAsMarkdown, describeAsText } from './describe.ts';
export {
  boolean,
  duration,
  httpUrl,
  integer,
  list,
  oneOf,
  optional,
  origin,
  parsed,
  type Range,
  size,
  text,
} from './kinds.ts';
export { type Environment, loadConfig, redactConfig } from './load-config.ts';
export { nearestName } from './nearest-name.ts';
