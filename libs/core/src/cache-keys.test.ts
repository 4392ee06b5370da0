import { expect, it } from 'vitest';
import { embeddingKey, SHARED_SCOPE, tenantScope } from './cache-keys.ts';

const picture = 'ab'.repeat(32);

it('gives each tenant a scope of its own, always the same, without the name in it', () => {
  expect(tenantScope('acme')).toBe(tenantScope('acme'));
  expect(tenantScope('acme')).not.toBe(tenantScope('acme2'));
  expect(tenantScope('acme')).toMatch(/^tenant-[0-9a-f]{32}$/);
});

it('never gives a tenant the shared pool, whatever the name', () => {
  for (const name of ['shared', '', ':', 'tenant-']) expect(tenantScope(name)).not.toBe(SHARED_SCOPE);
});

it('tells embeddings apart by scope, encoder and picture', () => {
  const keys = [
    embeddingKey(SHARED_SCOPE, 'f', picture),
    embeddingKey(tenantScope('a'), 'f', picture),
    embeddingKey(tenantScope('b'), 'f', picture),
    embeddingKey(SHARED_SCOPE, 'g', picture),
    embeddingKey(SHARED_SCOPE, 'f', 'cd'.repeat(32)),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});
