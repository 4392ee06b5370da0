import type { EncodeJob } from '@eidetic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJob, readStoredJob, storedJob } from './encode-job-schema.ts';

const JOB: EncodeJob = {
  key: 'model:1',
  imageId: 'a'.repeat(64),
  scope: 'tenant',
  priority: 0,
  deadlineMs: Date.now(),
  cost: 256,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

describe('the job of the encode queue', () => {
  it('comes back as it was stored, its deadline left out', () => {
    const { deadlineMs, ...rest } = JOB;
    expect(readStoredJob(JSON.parse(JSON.stringify(storedJob(JOB))))).toEqual({ job: rest });
  });

  it.each([
    ['an empty key', { key: '' }],
    ['an image id that is no sha256', { imageId: 'cat.png' }],
    ['a cost of nothing', { cost: 0 }],
    ['half a priority', { priority: 0.5 }],
    ['a priority out of bounds', { priority: 1001 }],
    ['no deadline', { deadlineMs: Number.NaN }],
    ['fields that together take more than 1 KiB', { key: 'ü'.repeat(512) }],
  ])('refuses %s', (_, parts) => {
    expect(() => checkJob({ ...JOB, ...parts })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('says what is wrong with anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        expect(readStoredJob(data)).toHaveProperty('problem');
      }),
    );
  });
});
