import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CHART, PROFILES, renderText } from './chart.ts';

/** Objects that are files of the chart as they are: a second copy of them would show a reviewer nothing. */
const COPIED = /^# Source: eidetic\/templates\/monitoring\/(?:dashboards|rules)\.yaml$/m;
const START = '<!-- values: made from values.yaml by test/chart/update.ts -->';

/** A value, or a group of them, with what values.yaml says above it. */
interface DocumentedValue {
  readonly path: readonly string[];
  readonly description: string;
}

/** The keys below which a comment that begins with "# --" stands. */
const documentedValues = (text: string): readonly DocumentedValue[] => {
  const found: DocumentedValue[] = [];
  let path: readonly string[] = [];
  let description: string | undefined;
  for (const line of text.split('\n')) {
    const [, indent = '', key] = /^( *)(\w+):/.exec(line) ?? [];
    if (key !== undefined) {
      path = [...path.slice(0, indent.length / 2), key];
      if (description !== undefined) found.push({ path, description });
    }
    description = /^ *# -- (.*)$/.exec(line)?.[1];
  }
  return found;
};

const valueAt = (values: unknown, path: readonly string[]): unknown =>
  path.reduce((value, key) => (value as Record<string, unknown>)[key], values);

/** The paths of all values; maps without fields are values. */
const pathsOf = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))
    : [path];

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The table of values in the chart's README. @throws Error when values.yaml does not explain one. */
const valuesTable = async (): Promise<string> => {
  const text = await readFile(join(CHART, 'values.yaml'), 'utf8');
  const values = parse(text);
  const documented = documentedValues(text);
  for (const path of pathsOf(values))
    if (!documented.some((above) => above.path.every((key, i) => key === path[i])))
      throw new Error(
        `values.yaml says nothing of ${path.join('.')}: a comment that begins with "# --" belongs above it.`,
      );
  const rows = documented.map(
    ({ path, description }) =>
      `| \`${path.join('.')}\` | \`${cell(JSON.stringify(valueAt(values, path)))}\` | ${cell(description)} |`,
  );
  return ['| Value | Default | Meaning |', '|---|---|---|', ...rows, ''].join('\n');
};

/** What test/chart/update.ts writes: text by its path in the chart. */
export const generatedFiles = async (): Promise<Readonly<Record<string, string>>> => {
  const readme = await readFile(join(CHART, 'README.md'), 'utf8');
  const golden = PROFILES.map(async (profile) => {
    const objects = (await renderText({ profile })).split(/^(?=---$)/m);
    return [`golden/${profile}.yaml`, objects.filter((object) => !COPIED.test(object)).join('')] as const;
  });
  return {
    'README.md': `${readme.slice(0, readme.indexOf(START))}${START}\n\n${await valuesTable()}`,
    ...Object.fromEntries(await Promise.all(golden)),
  };
};

/** The golden files that are there. */
export const goldenFiles = async (): Promise<readonly string[]> =>
  (await readdir(join(CHART, 'golden'))).map((name) => `golden/${name}`);
