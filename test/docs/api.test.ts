import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ERROR_KINDS } from '@eidetic/core';
import { expect, it } from 'vitest';

const page = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');

it('lists every error with what it means on the wire', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| `(\w+)` \| (\d+) \| (yes|no) \| \S.* \|$/gm)];
  const listed = rows.map(([, code, http, type, grpc, again]) => ({ code, http, type, grpc, again }));
  const known = Object.entries(ERROR_KINDS).map(([code, { http, type, grpc, retryable }]) => ({
    code,
    http: String(http),
    type,
    grpc: String(grpc),
    again: retryable ? 'yes' : 'no',
  }));
  expect(listed).toEqual(known);
});
