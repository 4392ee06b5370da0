import { expect, test } from 'vitest';
import { generateApiKey, hashApiKey } from './api-key.ts';

test('makes keys of 256 random bits that are known by their beginning', () => {
  const keys = Array.from({ length: 100 }, generateApiKey);
  for (const key of keys) expect(key).toMatch(/^eid_[0-9a-f]{64}$/);
  expect(new Set(keys).size).toBe(100);
});

test('keeps SHA-256 of a key', () => {
  expect(hashApiKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
