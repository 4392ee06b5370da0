import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, WITHOUT_HELM } from './chart.ts';
import { generatedFiles, goldenFiles } from './generated.ts';

/** Each value by its path; maps that have no fields of their own are values. */
const leaves = (value: unknown, path = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}/${key}`))
    : [path];

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

describe.skipIf(WITHOUT_HELM !== '')(`what is made from the chart${WITHOUT_HELM}`, () => {
  it('is what is committed; if not, run test/chart/update.ts and look at the difference', async () => {
    const files = await generatedFiles();
    for (const [path, text] of Object.entries(files)) expect(await readFile(join(CHART, path), 'utf8')).toBe(text);
    expect(Object.keys(files)).toEqual(expect.arrayContaining([...(await goldenFiles())]));
  });
});

it('has a schema of every value, and a value of every schema', async () => {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'));
  const values = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
  const visit = (node: Schema, value: unknown, path: string): readonly string[] => {
    const { properties } = node.$ref ? schema.$defs[node.$ref.split('/').at(-1) ?? ''] : node;
    const isValue = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!properties || !isValue) return [path];
    return Object.entries(properties as Record<string, Schema>).flatMap(([key, item]) =>
      visit(item, (value as Record<string, unknown>)[key], `${path}/${key}`),
    );
  };
  const inSchema = visit(schema, values, '').filter(
    (path) => path !== '/global' && !path.endsWith('/ephemeral-storage'),
  );
  const withoutPlaces = (paths: readonly string[]) =>
    paths.map((path) => path.replace(/(\/(?:imagesTo|prometheusFrom)).*/, '$1')).toSorted();
  expect(withoutPlaces(inSchema)).toEqual(withoutPlaces(leaves(values)));
});
