import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LongLine } from './long-line.ts';

/** What is known of a line that comes in pieces of so many bytes. */
const read = (text: string, pieceBytes: number): LongLine => {
  const line = new LongLine();
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += pieceBytes) line.add(bytes.subarray(start, start + pieceBytes));
  return line;
};

/** Strings as a line holds them, and as it does where whoever wrote it escapes all they can. */
const escaped = (json: string): string =>
  json.replace(/custom_id|[^\x20-\x7e]/g, (part) =>
    Array.from({ length: part.length }, (_, i) => `\\u${part.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );

it('finds the custom_id wherever it stands, whatever stands around it and however the line is cut', () => {
  const customId = fc.string({ minLength: 1, maxLength: 512, unit: 'binary' });
  const rest = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });
  const decoy = fc.constant({ custom_id: 'that of another', list: ['custom_id', { custom_id: '"' }] });
  fc.assert(
    fc.property(customId, rest, rest, decoy, fc.nat(40), fc.boolean(), (id, before, after, body, cut, escapes) => {
      const json = JSON.stringify({ ...before, custom_id: id, ...after, body });
      // A later key of the same name counts, as for JSON.parse.
      const line = read(escapes ? escaped(json) : json, cut + 1);
      expect(line).toMatchObject({ customId: JSON.parse(json).custom_id, hasRequest: true });
    }),
  );
});

it('knows blanks from a request', () => {
  expect(read(' \t\r'.repeat(1000), 7)).toMatchObject({ customId: '', hasRequest: false });
});

it('takes nothing for a custom_id that is none', () => {
  for (const text of [
    '{"body":{"custom_id":"x"}}',
    '{"x":"custom_id","y":"z"}',
    `{"custom_id":"${'x'.repeat(4000)}"}`,
  ]) {
    expect(read(text, 9)).toMatchObject({ customId: '', hasRequest: true });
  }
});

it('survives what is not JSON', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const line = new LongLine();
      line.add(bytes);
      expect(typeof line.customId).toBe('string');
    }),
  );
});
