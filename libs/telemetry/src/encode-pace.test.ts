import { expect, it } from 'vitest';
import { EncodePace } from './encode-pace.ts';

it('knows nothing before anything was encoded', () => {
  expect(new EncodePace().secondsPerCost).toBeUndefined();
});

it('weighs batches by their cost', () => {
  const pace = new EncodePace();
  pace.add({ cost: 1, encodeMs: 1000 });
  pace.add({ cost: 999, encodeMs: 1001 });
  // About two seconds for 1000; by batch, it would be half a second for each.
  expect(pace.secondsPerCost).toBeCloseTo(1.901 / 999.9);
});

it('follows an encoder that has become slower', () => {
  const pace = new EncodePace();
  for (let i = 0; i < 1000; i++) pace.add({ cost: 64, encodeMs: 64 });
  expect(pace.secondsPerCost).toBeCloseTo(0.001);
  for (let i = 0; i < 10; i++) pace.add({ cost: 64, encodeMs: 640 });
  expect(pace.secondsPerCost).toBeCloseTo(0.001 * 0.9 ** 10 + 0.01 * (1 - 0.9 ** 10));
});
