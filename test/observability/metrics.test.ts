import { readFile } from 'node:fs/promises';
import { askChat, knownChats } from '@eidetic/chaos';
import { ERROR_KINDS } from '@eidetic/core';
import { DASHBOARDS, type LabelMatcher, readRuleFiles, referencesOf, rulesOf } from '@eidetic/grafana';
import { beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { servicesOf, startCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';

/** Prometheus adds these to every series of a pod. */
const OF_TARGETS = ['namespace', 'pod', 'job', 'instance'];
/** Prometheus' own. */
const NOT_OURS = ['up', 'ALERTS'];

/** What autoscalers ask, of the chart as it is rendered for production. */
const readScaling = async () => {
  const golden = new URL('../../deploy/helm/eidetic/golden/production.yaml', import.meta.url);
  const objects = parseAllDocuments(await readFile(golden, 'utf8')).map((document) => document.toJS());
  const scaled = objects.filter((object): object is ScaledObject => object?.kind === 'ScaledObject');
  return scaled.flatMap(({ metadata, spec }) =>
    spec.triggers.map((trigger) => ({ where: `autoscaler ${metadata.name}, ${trigger.name}`, ...trigger.metadata })),
  );
};

interface ScaledObject {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly triggers: readonly { readonly name: string; readonly metadata: { readonly query: string } }[];
  };
}

const scaling = (await readScaling()).map(({ where, query: expr }) => ({ where, expr }));
const rules = rulesOf(await readRuleFiles());
const recorded = rules.flatMap(({ record }) => record ?? []);
const expressions = [
  ...scaling,
  ...rules.map(({ alert, record, expr }) => ({ where: `rule ${alert ?? record}`, expr })),
  ...DASHBOARDS.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr, legend }) => ({ where: `${title}, ${panel.title}, ${legend}`, expr })),
      ),
    ),
  ),
];

/** Values of each label of each metric that the processes of a cluster print after some chats. */
let exposed: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

const parseSeries = (texts: readonly string[]) => {
  const found = new Map<string, Map<string, Set<string>>>();
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const values = found.get(name) ?? new Map<string, Set<string>>();
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
    found.set(name, values);
  }
  return found;
};

beforeAll(async () => {
  await using watched = await startCluster({ gateways: 1, visionEncoders: 1, decoders: 1 });
  const gateways = watched.cluster.gateways.map(({ http }) => http);
  const chats = await knownChats(GOLDENS_DIRECTORY, 4, 'metrics');
  // Twice: the second time everything is known.
  for (const chat of [...chats, ...chats]) {
    const { outcome } = await askChat(chat, { gateways, model: 'qwen-vl-nano-chat', stream: true });
    expect(outcome).toBe('right');
  }
  const scrapes = servicesOf(watched.cluster).map(async ({ http }) => (await fetch(`${http}/metrics`)).text());
  exposed = parseSeries(await Promise.all(scrapes));
});

/** Whether a series may have what is asked for: it is there now, or is the code of an error that has not happened. */
const mayBe = (values: ReadonlySet<string>, { label, operator, value }: LabelMatcher): boolean =>
  (operator.endsWith('~') ? value.split('|') : [value]).every(
    (one) => values.has(one) || (label === 'outcome' && one in ERROR_KINDS),
  );

it.each(expressions)('a running cluster has what is asked for: $where', ({ expr }) => {
  const { selectors, labels } = referencesOf(expr);
  expect(selectors.length + (expr.startsWith('vector(') ? 1 : 0)).toBeGreaterThan(0);
  const known = new Set(OF_TARGETS);
  for (const { metric, matchers } of selectors) {
    if (metric.startsWith('eidetic:')) expect(recorded).toContain(metric);
    else if (!NOT_OURS.includes(metric)) {
      const values = exposed.get(metric);
      if (values === undefined) throw new Error(`Nobody exposes ${metric}.`);
      for (const label of values.keys()) known.add(label);
      for (const matcher of matchers.filter(({ label }) => !OF_TARGETS.includes(label))) {
        expect(mayBe(values.get(matcher.label) ?? new Set(), matcher), `${metric} ${JSON.stringify(matcher)}`).toBe(
          true,
        );
      }
    }
  }
  expect([...known]).toEqual(expect.arrayContaining([...labels]));
});

it('knows what autoscalers ask', () => {
  expect(scaling.length).toBeGreaterThanOrEqual(4);
});

it('says in its documentation what each metric of alerts and dashboards means', async () => {
  const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const documented = new Set([...page.matchAll(/^\| `(eidetic_\w+)` \|/gm)].map(([, name]) => name));
  const used = expressions
    .flatMap(({ expr }) => referencesOf(expr).selectors.map(({ metric }) => metric))
    .filter((metric) => metric.startsWith('eidetic_'))
    .map((metric) => (documented.has(metric) ? metric : metric.replace(/_(bucket|sum|count)$/, '')));
  expect(used.filter((metric) => !documented.has(metric))).toEqual([]);
});
