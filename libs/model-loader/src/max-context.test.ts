import type { Manifest } from '@eidetic/bundle';
import { expect, it } from 'vitest';
import { maxContextOf } from './max-context.ts';

const manifest = { name: 'mine', decoder: { maxPositions: 8192 } } as Manifest;

it.each([
  [0, 8192],
  [1, 1],
  [2048, 2048],
  [8192, 8192],
])('takes %i for %i positions', (maxContext, positions) => {
  expect(maxContextOf(manifest, { maxContext })).toBe(positions);
});

it('refuses more positions than the model has, with the numbers', () => {
  expect(() => maxContextOf(manifest, { maxContext: 8193 })).toThrow(
    expect.objectContaining({
      code: 'invalid_config',
      message: expect.stringMatching(/^EIDETIC_MAX_CONTEXT: mine has 8192 positions, and 8193 are asked for/),
    }),
  );
});
