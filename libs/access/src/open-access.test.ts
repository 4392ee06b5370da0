import { expect, test } from 'vitest';
import { createOpenAccess } from './open-access.ts';

test('tells callers apart by their key without telling the key', async () => {
  const access = createOpenAccess();
  const [one, again, other, nobody] = await Promise.all(
    ['sk-one', 'sk-one', 'sk-other', undefined].map((apiKey) => access.admit({ apiKey })),
  );
  expect(one?.tenant).toMatch(/^[0-9a-f]{32}$/);
  expect(again?.tenant).toBe(one?.tenant);
  expect(other?.tenant).not.toBe(one?.tenant);
  expect(nobody?.tenant).toBeUndefined();
});
