import { expect, it } from 'vitest';
import { referencesOf } from './selectors.ts';

it('finds metrics with what is asked of their labels, and the labels of groups and joins', () => {
  const expr =
    'sum by (stage, le) (rate(a_bucket{outcome=~"x|y", stage!="z"}[$__rate_interval])) > on (job) group_left () up';
  expect(referencesOf(expr)).toEqual({
    selectors: [
      {
        metric: 'a_bucket',
        matchers: [
          { label: 'outcome', operator: '=~', value: 'x|y' },
          { label: 'stage', operator: '!=', value: 'z' },
        ],
      },
      { metric: 'up', matchers: [] },
    ],
    labels: ['stage', 'le', 'job'],
  });
});

it('refuses what is no PromQL', () => {
  expect(() => referencesOf('sum(rate(a[5m])')).toThrow('No PromQL');
});
