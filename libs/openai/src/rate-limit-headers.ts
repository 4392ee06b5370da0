import type { Allowance, EideticError } from '@eidetic/core';

/** Wait that is asked of clients where nobody knows a better one. */
const USUAL_WAIT_MS = 1000;

/** As OpenAI writes it: `20ms`, `1.5s`, `6m0s`. */
const formatDuration = (ms: number): string => {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 100) / 10;
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${Math.ceil(seconds % 60)}s`;
};

/** What is left of a limit of requests, in the headers that OpenAI's clients know. */
export const allowanceHeaders = ({ limit, remaining, resetMs }: Allowance): Record<string, string> => ({
  'x-ratelimit-limit-requests': String(limit),
  'x-ratelimit-remaining-requests': String(remaining),
  'x-ratelimit-reset-requests': formatDuration(resetMs),
});

/** What a refusal says of trying again: the wait in `Retry-After`, in seconds and at least one, and what is left of a limit. */
export const refusalHeaders = ({ kind, details }: EideticError): Record<string, string> => {
  if (!kind.retryable) return {};
  const { retryAfterMs = USUAL_WAIT_MS, limit, remaining, resetMs } = details;
  const isAllowance = typeof limit === 'number' && typeof remaining === 'number' && typeof resetMs === 'number';
  return {
    'retry-after': String(Math.max(1, Math.ceil(Number(retryAfterMs) / 1000))),
    ...(isAllowance && allowanceHeaders({ limit, remaining, resetMs })),
  };
};
