import { expect, it } from 'vitest';
import { EncodePace } from './encode-pace.ts';

it('knows nothing before anything was encoded', () => {
  expect(new EncodePace().secondsPerCost).toBeUndefined();
});

it('weighs batches by their cost', () => {
  const pace = new EncodePace();
  pace.add({ cost: 1, runsMs: [1000] });
  pace.add({ cost: 999, runsMs: [600, 401] });
  // About two seconds for 1000; by batch, it would be half a second for each.
  expect(pace.secondsPerCost).toBeCloseTo(1.901 / 999.9);
});

it('counts a run once that took pictures of two batches', () => {
  const pace = new EncodePace();
  for (let i = 0; i < 3000; i++) pace.add({ cost: 64, runsMs: [100 + i / 1e6, 100 + (i + 1) / 1e6] });
  expect(pace.secondsPerCost).toBeCloseTo(0.1 / 64, 6);
});

it('follows an encoder that has become slower', () => {
  const pace = new EncodePace();
  for (let i = 0; i < 1000; i++) pace.add({ cost: 64, runsMs: [64 + i / 1e6] });
  expect(pace.secondsPerCost).toBeCloseTo(0.001);
  for (let i = 0; i < 10; i++) pace.add({ cost: 64, runsMs: [640 + i / 1e6] });
  expect(pace.secondsPerCost).toBeCloseTo(0.001 * 0.9 ** 10 + 0.01 * (1 - 0.9 ** 10));
});
