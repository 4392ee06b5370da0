import { EideticError } from '@eidetic/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { generateApiKey, hashApiKey } from './api-key.ts';
import { type ApiKeyEntry, formatKeyEntry, parseKeyFile } from './key-file.ts';

const PATH = '/keys.jsonl';
const entry = (fields: Partial<ApiKeyEntry> = {}): ApiKeyEntry => ({
  id: 'one',
  tenant: 'acme',
  sha256: hashApiKey('eid_1'),
  ...fields,
});
const refusal = (text: string): EideticError => {
  try {
    parseKeyFile(text, PATH);
  } catch (reason) {
    if (reason instanceof EideticError) return reason;
  }
  throw new Error('It was accepted.');
};

it('reads what it writes, whatever the entry', () => {
  const name = fc.stringMatching(/^[\w.-]{1,64}$/);
  const limit = fc.integer({ min: 0, max: 1_000_000_000 });
  const optional = {
    expires: fc
      .date({ min: new Date(0), max: new Date('2999-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    disabled: fc.boolean(),
    requestsPerMinute: limit,
    concurrentRequests: limit,
  };
  const required = { id: name, tenant: name, sha256: fc.uuid().map(hashApiKey) };
  const entries = fc.uniqueArray(
    fc.record({ ...required, ...optional }, { requiredKeys: ['id', 'tenant', 'sha256'] }),
    { comparator: (a, b) => a.id === b.id || a.sha256 === b.sha256 },
  );
  fc.assert(
    fc.property(entries, (written) => {
      expect(parseKeyFile(written.map(formatKeyEntry).join(''), PATH)).toEqual(written);
    }),
  );
});

it('leaves out empty lines and comments', () => {
  expect(parseKeyFile(`\n# ours\r\n  ${formatKeyEntry(entry())}\n\n`, PATH)).toEqual([entry()]);
  expect(parseKeyFile('', PATH)).toEqual([]);
});

it.each([
  ['{"id": "x"', 'this is no JSON'],
  ['[]', 'expected object'],
  [JSON.stringify({ ...entry(), sha256: 'AB' }), 'sha256: expected 64 hex digits'],
  [JSON.stringify({ ...entry(), tenant: 'a b' }), 'tenant: expected 1 to 64 letters'],
  [JSON.stringify({ ...entry(), expires: 'tomorrow' }), 'expires: expected a time such as'],
  [JSON.stringify({ ...entry(), concurrentRequests: -1 }), 'concurrentRequests: '],
  [JSON.stringify({ ...entry(), rpm: 1 }), 'rpm'],
])('names the line and what is wrong in it: %s', (line, problem) => {
  const { code, message } = refusal(`# keys\n${formatKeyEntry(entry({ id: 'a', sha256: hashApiKey('a') }))}${line}\n`);
  expect(code).toBe('invalid_config');
  expect(message).toContain(`${PATH}, line 3: `);
  expect(message).toContain(problem);
});

it('refuses two keys of one id, and two of one hash', () => {
  const first = formatKeyEntry(entry());
  expect(refusal(first + formatKeyEntry(entry({ sha256: hashApiKey('b') }))).message).toBe(
    `${PATH}, line 2: the id "one" is that of ${PATH}, line 1.`,
  );
  expect(refusal(first + formatKeyEntry(entry({ id: 'two' }))).message).toContain('line 2: the sha256 is that of');
});

it('does not repeat a key that was pasted into the file', () => {
  const key = generateApiKey();
  expect(refusal(key).message).not.toContain(key);
  expect(refusal(JSON.stringify({ ...entry(), sha256: key })).message).not.toContain(key);
});
