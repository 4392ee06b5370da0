import { describe, expect, it } from 'vitest';
import { errorOf, retryAfterMs } from './error-response.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('retryAfterMs', () => {
  it.each([
    ['7', 7000],
    ['0.5', 500],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9000],
    ['Thu, 01 Jan 2020 00:00:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('reads %j as %j', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});

describe('errorOf', () => {
  it('takes everything that the server says', async () => {
    const body = { error: { message: 'Too much.', type: 'rate_limit_error', param: null, code: 'overloaded' } };
    const headers = { 'retry-after': '2', 'x-request-id': 'r1' };
    const error = await errorOf(new Response(JSON.stringify(body), { status: 429, headers }));
    expect(error).toMatchObject({ name: 'EideticApiError', message: 'Too much.', status: 429, code: 'overloaded' });
    expect(error).toMatchObject({ param: undefined, requestId: 'r1', retryAfterMs: 2000 });
  });

  it.each(['<h1>Bad gateway</h1>', '', '[]', 'null', '{"detail":"x"}'])(
    'has the status where a proxy says %j',
    async (body) => {
      const error = await errorOf(new Response(body, { status: 502, statusText: 'Bad Gateway' }));
      expect(error).toMatchObject({ message: 'HTTP 502 Bad Gateway', status: 502, code: 'unknown' });
    },
  );

  it.each(['{"error":null}', '{"error":"broken"}', '{"error":{"message":1}}'])('gets along with %s', async (body) => {
    const error = await errorOf(new Response(body, { status: 500 }));
    expect(error).toMatchObject({ status: 500, code: 'unknown' });
  });
});
