import { readdir, readFile } from 'node:fs/promises';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { expect, it } from 'vitest';
import { DASHBOARDS, DASHBOARDS_FOLDER, renderDashboards } from '../src/dashboards.ts';

interface Page {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly links: readonly object[];
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

const rendered = renderDashboards();
const pages: readonly Page[] = [...rendered.values()].map((text) => JSON.parse(text));

it('are in the chart as the code makes them', async () => {
  // `pnpm --filter @eidetic/grafana render` writes them.
  expect((await readdir(DASHBOARDS_FOLDER)).toSorted()).toEqual([...rendered.keys()].toSorted());
  for (const [name, content] of rendered) expect(await readFile(DASHBOARDS_FOLDER + name, 'utf8'), name).toBe(content);
});

it('can be told apart, and lead to each other', () => {
  expect(new Set(pages.map(({ uid }) => uid)).size).toBe(DASHBOARDS.length);
  expect(new Set(pages.map(({ title }) => title)).size).toBe(DASHBOARDS.length);
  for (const { tags, links } of pages) {
    expect(tags).toEqual(['eidetic']);
    expect(links).toMatchObject([{ type: 'dashboards', tags: ['eidetic'], includeVars: true, keepTime: true }]);
  }
});

it('ask the Prometheus and the namespaces that were chosen, and show alerts', () => {
  for (const { templating, annotations } of pages) {
    expect(templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'datasource datasource',
      'namespace query',
    ]);
    expect(annotations.list.map(({ expr }) => expr)).toEqual([expect.stringContaining('ALERTS{')]);
  }
});

it.each(pages)('$title: every panel is explained, has a unit, and fits the grid', ({ panels }) => {
  const shown = panels.filter(({ type }) => type !== 'row');
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(shown.map(({ title }) => title)).size).toBe(shown.length);
  const taken = new Set<string>();
  for (const { title = '', description = '', datasource, fieldConfig, targets = [], gridPos } of shown) {
    expect(description, title).toMatch(/^[A-Z].{20,}\.$/);
    expect(fieldConfig?.defaults.unit, title).toMatch(/^(s|percentunit|reqps|bytes|short)$/);
    expect(datasource, title).toEqual({ type: 'prometheus', uid: '$datasource' });
    expect(targets, title).not.toEqual([]);
    const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
    expect(x + w, title).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        expect(taken, `${title} lies on another panel`).not.toContain(`${column} ${line}`);
        taken.add(`${column} ${line}`);
      }
    }
  }
});

it.each(DASHBOARDS)('$title: every query asks for the time and the namespaces shown', ({ rows }) => {
  for (const { title, queries } of rows.flatMap(({ panels }) => panels)) {
    for (const { expr, legend } of queries) {
      expect(legend, title).not.toBe('');
      // No interval but those that Grafana fits to the time shown and to how often Prometheus reads.
      expect(expr.match(/\[[^\]]*\]/g) ?? [], title).toSatisfy((ranges: string[]) =>
        ranges.every((range) => ['[$__rate_interval]', '[$__range]'].includes(range)),
      );
      for (const [metric] of expr.matchAll(/\b(eidetic_|nodejs_|process_)\w+(?!\w)(?!\{namespace=~"\$namespace")/g)) {
        expect(expr, `${title}: ${metric} of all namespaces`).toBe('');
      }
    }
  }
});
