import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MetricItem } from './metric.ts';
import { METRICS, type MetricName, type WantedBy } from './metrics.ts';

interface Reference<Wanted> {
  readonly madeWith: string;
  readonly score: number;
  readonly parts?: Readonly<Record<string, number>>;
  readonly items: readonly (MetricItem<Wanted> & { readonly value: number })[];
}

/** Samples with the values that reference implementations gave them (test/data/metrics/make.py). */
function readReference<Name extends MetricName>(name: Name): Reference<WantedBy[Name]> {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../../test/data/metrics/${name}.json`), 'utf8'));
}

function isMetricName(name: string): name is MetricName {
  return name in METRICS;
}

function expectAgreement<Name extends MetricName>(name: Name): void {
  const { items, score, parts } = readReference(name);
  const result = METRICS[name](items);
  for (const [index, item] of items.entries()) {
    expect([item, result.perItem[index]]).toEqual([item, expect.closeTo(item.value, 9)]);
  }
  expect(result.score).toBeCloseTo(score, 9);
  for (const [part, value] of Object.entries(parts ?? {})) expect(result.parts?.[part]).toBeCloseTo(value, 9);
}

describe.each(Object.keys(METRICS).filter(isMetricName))('%s', (name) => {
  it('gives every sample, and all together, the value of the reference', () => expectAgreement(name));

  it('refuses to score nothing', () => {
    expect(() => METRICS[name]([])).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
