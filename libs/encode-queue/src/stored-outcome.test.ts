import { EideticError, type EncodeOutcome } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStoredOutcome, storedOutcome } from './stored-outcome.ts';

const passedOn = (outcome: EncodeOutcome) => readStoredOutcome(JSON.parse(JSON.stringify(storedOutcome(outcome))));

describe('the outcome of an encode job', () => {
  it('brings tokens and timings along', () => {
    const outcome = {
      ok: true,
      tokens: 256,
      timings: { decodeMs: 1, preprocessMs: 2, encodeMs: 30.5, encodeShareMs: 7.625, queueMs: 4 },
    } as const;
    expect(passedOn(outcome)).toEqual(outcome);
  });

  it('takes times as consumers of earlier versions told them, without the part of a run', () => {
    const timings = { decodeMs: 1, preprocessMs: 2, encodeMs: 30.5, queueMs: 4 };
    expect(readStoredOutcome({ ok: true, tokens: 256, timings })).toMatchObject({ timings: { encodeShareMs: 0 } });
  });

  it('brings code, message and details of an error along, and no cause', () => {
    const error = new EideticError('image_too_large', 'Too large.', {
      details: { pixels: 9 },
      cause: new Error('secret'),
    });
    const read = passedOn({ ok: false, error });
    expect(read).toEqual({
      ok: false,
      error: new EideticError('image_too_large', 'Too large.', { details: { pixels: 9 } }),
    });
    expect(JSON.stringify(storedOutcome({ ok: false, error }))).not.toContain('secret');
  });

  it('is internal when it cannot be read, an unknown code included', () => {
    const unknown = { ok: false, code: 'toString', message: '', details: {} };
    for (const data of [unknown, ...fc.sample(fc.jsonValue(), 50)]) {
      expect(readStoredOutcome(data)).toMatchObject({ ok: false, error: { code: 'internal' } });
    }
  });
});
