import fc from 'fast-check';
import { expect, it } from 'vitest';
import { detailFromText, detailToText } from './detail-text.ts';

it('writes details so that they are read as what they were', () => {
  const looksLikeAnother = fc.constantFrom('true', '1', '-0', '1e+21', 'NaN', '-Infinity', '"', '"1"', '');
  const detail = fc.oneof(fc.string(), looksLikeAnother, fc.double(), fc.maxSafeInteger(), fc.boolean());
  fc.assert(fc.property(detail, (value) => void expect(detailFromText(detailToText(value))).toBe(value)));
});

it('leaves ordinary texts as they are, for clients that read them', () => {
  expect(['a:b c', 'messages.0', '512'].map(detailToText)).toEqual(['a:b c', 'messages.0', '"512"']);
});

it('takes what another server wrote as a text', () => {
  expect(detailFromText('"not closed')).toBe('"not closed');
});
