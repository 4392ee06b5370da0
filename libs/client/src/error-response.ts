import { EideticApiError } from './errors.ts';

/** OpenAI's error object, as far as a server, or a proxy in front of it, filled it in. */
interface ErrorBody {
  readonly error?: { readonly message?: unknown; readonly code?: unknown; readonly param?: unknown } | null;
}

const textOrNothing = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The error that a JSON value holds; undefined if it holds none. */
export const errorIn = (
  body: unknown,
  response: { readonly status?: number; readonly headers: Headers },
): EideticApiError | undefined => {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const error = (body as ErrorBody).error ?? {};
  return new EideticApiError(textOrNothing(error.message) ?? 'The server gave no reason.', {
    status: response.status,
    code: textOrNothing(error.code) ?? 'unknown',
    param: textOrNothing(error.param),
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  });
};

/** The error that a response with a status of failure is. */
export const errorOf = async (response: Response): Promise<EideticApiError> => {
  const text = await response.text();
  const stranger = (): EideticApiError =>
    new EideticApiError(`HTTP ${response.status} ${response.statusText}`.trim(), {
      status: response.status,
      code: 'unknown',
      requestId: response.headers.get('x-request-id') ?? undefined,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    });
  try {
    return errorIn(JSON.parse(text), response) ?? stranger();
  } catch {
    // A proxy in between answers with something else than JSON; its status has to do.
    return stranger();
  }
};

/** Milliseconds of a `Retry-After` header, which has seconds or a date: RFC 9110, section 10.2.3. */
export const retryAfterMs = (header: string | null, nowMs: number = Date.now()): number | undefined => {
  if (header === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
};
