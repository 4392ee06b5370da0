import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonEntries, jsonField } from './json-entries.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-json-'));
});
afterAll(() => rm(folder, { recursive: true }));

const schema = z.object({ id: z.number(), answers: z.array(z.object({ answer: z.string() })) });

async function entries(text: string, key: string | undefined = 'data') {
  const path = join(folder, 'file.json');
  await writeFile(path, text);
  return Array.fromAsync(jsonEntries(path, key, schema));
}

const good = { id: 1, answers: [{ answer: 'a "b"\n猫' }], more: { data: [3] } };

describe('jsonEntries', () => {
  it('reads the list of that name, and no other', async () => {
    expect(
      await entries(JSON.stringify({ other: { data: [5] }, data: [good, { ...good, id: 2 }], rest: [1] })),
    ).toEqual([
      { id: 1, answers: [{ answer: 'a "b"\n猫' }] },
      { id: 2, answers: [{ answer: 'a "b"\n猫' }] },
    ]);
  });

  it('reads a file that is a list', async () => {
    const path = join(folder, 'list.json');
    await writeFile(path, JSON.stringify([good]));
    expect(await Array.fromAsync(jsonEntries(path, undefined, schema))).toHaveLength(1);
  });

  it.each([
    [JSON.stringify({ data: [good, { id: '2', answers: [] }] }), /file\.json: data\[1\]: id: .*number/],
    [JSON.stringify({ data: [{ id: 1, answers: [{ answer: 'a' }, {}] }] }), /data\[0\]: answers\.1\.answer: /],
    [JSON.stringify({ questions: [good] }), /holds no list "data"/],
    [JSON.stringify({ data: [] }), /holds no list "data"/],
    [JSON.stringify({ data: 5 }), /holds no list "data"/],
    ['{"data": [', /file\.json is not JSON: /],
    [`{"data": [${JSON.stringify(good)}`, /file\.json is not JSON: /],
    ['<html>', /file\.json is not JSON: /],
    ['', /file\.json/],
  ])('refuses %s, naming the file, the entry and the field', async (text, message) => {
    await expect(entries(text)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    });
  });

  it('says that a file is not there', async () => {
    await expect(Array.fromAsync(jsonEntries(join(folder, 'none.json'), 'data', schema))).rejects.toThrow(
      /none\.json cannot be read: ENOENT/,
    );
  });
});

describe('jsonField', () => {
  it('finds a field before and after long lists', async () => {
    const path = join(folder, 'field.json');
    const list = Array.from({ length: 1000 }, () => good);
    await writeFile(path, JSON.stringify({ before: 'b', list, after: { a: 1 } }));
    expect(await jsonField(path, 'before')).toBe('b');
    expect(await jsonField(path, 'after')).toEqual({ a: 1 });
    expect(await jsonField(path, 'none')).toBeUndefined();
  });
});
