import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ALERTS_FOLDER, type Rule, type RuleFile, readRuleFiles, rulesOf } from '../src/alerts.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { hasPromtool, promtool } from './promtool.ts';

const RUNBOOKS = 'docs/operations.md';
const why = hasPromtool ? '' : ' (skipped: there is no promtool, see scripts/install-prometheus.sh)';
const files = await readRuleFiles();
const rules = rulesOf(files);
const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);

it('has a fault for each alert, and no alert twice', () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  expect([...new Set(ALERT_CASES.map(({ alert }) => alert))].toSorted()).toEqual(names.toSorted());
});

it('says of each alert how bad it is, what is wrong, what it means and what to do', async () => {
  const page = await readFile(new URL(`../../../${RUNBOOKS}`, import.meta.url), 'utf8');
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));
  for (const { alert, labels = {}, annotations = {} } of alerts) {
    expect(labels.severity, alert).toMatch(/^(critical|warning)$/);
    expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'runbook_url']);
    // The chart puts the address of the page in front.
    expect(annotations.runbook_url, alert).toBe(`${RUNBOOKS}#${alert.toLowerCase()}`);
    expect(anchors).toContain(alert.toLowerCase());
  }
  const runbooks = [...page.matchAll(/^#+ (Eidetic\w+)$/gm)].map(([, alert]) => alert);
  expect(runbooks.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
});

it.skipIf(!hasPromtool)(`has rules that Prometheus takes${why}`, async () => {
  const paths = files.map(({ name }) => ALERTS_FOLDER + name);
  expect(await promtool(['check', 'rules', ...paths], {})).not.toContain('FAILED');
});

/** promtool compares annotations to the letter; what they say is no behaviour. */
const bare = (file: RuleFile): RuleFile => ({
  ...file,
  groups: file.groups.map((group) => ({ ...group, rules: group.rules.map(({ annotations: _, ...rule }) => rule) })),
});

const testOf = ({ alert, phases, series, labels }: AlertCase): object => {
  const severity = alerts.find((rule) => rule.alert === alert)?.labels?.severity;
  const at = (minutes: number, firing: boolean) => ({
    eval_time: `${minutes - 1}m`,
    alertname: alert,
    exp_alerts: firing ? [{ exp_labels: { severity, ...labels } }] : [],
  });
  const { before, fault, after } = phases;
  return {
    name: alert,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [at(before, false), at(before + fault, true), at(before + fault + after, false)],
  };
};

const recorded = files.filter((file) => rulesOf([file]).every(({ record }) => record !== undefined));
const alerting = files.filter((file) => !recorded.includes(file));

it.skipIf(!hasPromtool).each(alerting)(
  `fires in each fault, and neither before nor after it: $name${why}`,
  async (file) => {
    const own = new Set(rulesOf([file]).map(({ alert }) => alert));
    const loaded = [...recorded, bare(file)];
    const said = await promtool(['test', 'rules', 'tests.json'], {
      ...Object.fromEntries(loaded.map(({ name, groups }) => [name, { groups }])),
      'tests.json': {
        rule_files: loaded.map(({ name }) => name),
        evaluation_interval: '1m',
        tests: ALERT_CASES.filter(({ alert }) => own.has(alert)).map(testOf),
      },
    });
    expect(said).toContain('SUCCESS');
  },
);
