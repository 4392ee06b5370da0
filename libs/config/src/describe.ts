import type { ConfigDefinition, Setting } from './definition.ts';

const expectation = ({ kind, default: written }: Setting): string => {
  const fallback = written === undefined ? 'required' : `default ${written}`;
  return `${kind.description}; ${fallback}`;
};

const cell = (content: string): string => content.replaceAll('|', '\\|');

/** The settings as the text of `--help`. */
export const describeAsText = (definition: ConfigDefinition): string =>
  Object.values(definition)
    .map((setting) => `  ${setting.name}\n      ${setting.description}\n      (${expectation(setting)})`)
    .join('\n');

/** The settings as a Markdown table. */
export const describeAsMarkdown = (definition: ConfigDefinition): string =>
  [
    '| Variable | Default | Expected | Meaning |',
    '|---|---|---|---|',
    ...Object.values(definition).map(({ name, default: written, kind, description }) => {
      const fallback = written === undefined ? 'required' : `\`${written}\``;
      return `| \`${name}\` | ${fallback} | ${cell(kind.description ?? '')} | ${cell(description)} |`;
    }),
  ].join('\n');
