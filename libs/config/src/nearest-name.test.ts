import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

const names = ['EIDETIC_HTTP_PORT', 'EIDETIC_HTTP_HOST', 'EIDETIC_MODEL'];

it.each([
  ['EIDETIC_HTTP_PROT', 'EIDETIC_HTTP_PORT'],
  ['EIDETIC_HTP_HOST', 'EIDETIC_HTTP_HOST'],
  ['EIDETIC_MODELS', 'EIDETIC_MODEL'],
])('takes %s for %s', (written, meant) => {
  expect(nearestName(written, names)).toBe(meant);
});

it('suggests nothing that is not alike', () => {
  expect(nearestName('EIDETIC_REDIS_CLUSTER_ADDRESS', names)).toBeUndefined();
  expect(nearestName('EIDETIC_X', [])).toBeUndefined();
});
