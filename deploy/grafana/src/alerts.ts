import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** An alert, or a series that is recorded. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A file of the folder. */
export interface RuleFile {
  readonly name: string;
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** Where the rules of the chart are. */
export const ALERTS_FOLDER = fileURLToPath(new URL('../../helm/eidetic/files/alerts/', import.meta.url));

/** Every rule that the chart installs. */
export const readRuleFiles = async (): Promise<readonly RuleFile[]> => {
  const names = (await readdir(ALERTS_FOLDER)).filter((name) => name.endsWith('.yaml')).toSorted();
  return Promise.all(
    names.map(async (name) => ({ name, groups: parse(await readFile(`${ALERTS_FOLDER}${name}`, 'utf8')).groups })),
  );
};

/** The rules of all groups of all files. */
export const rulesOf = (files: readonly RuleFile[]): readonly Rule[] =>
  files.flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
