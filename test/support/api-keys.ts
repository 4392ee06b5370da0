import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiKeyEntry, formatKeyEntry, generateApiKey, hashApiKey } from '@eidetic/access';
import { afterAll } from 'vitest';

/** A file of new keys for the rest of a test file. */
export const keyFile = async <Id extends string>(
  entries: Readonly<Record<Id, Omit<Partial<ApiKeyEntry>, 'id' | 'sha256'>>>,
) => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-keys-'));
  afterAll(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys.jsonl');
  const keys = new Map(Object.keys(entries).map((id) => [id, generateApiKey()]));
  const lines = Object.entries<Omit<Partial<ApiKeyEntry>, 'id' | 'sha256'>>(entries).map(([id, entry]) =>
    formatKeyEntry({ tenant: 'acme', ...entry, id, sha256: hashApiKey(keys.get(id) ?? '') }),
  );
  await writeFile(path, lines.join(''));
  return { path, keyOf: (id: Id): string => keys.get(id) ?? '' };
};
