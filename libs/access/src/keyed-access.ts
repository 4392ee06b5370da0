import {
  type AccessControl,
  type AccessObserver,
  type Allowance,
  EideticError,
  type RefusalReason,
} from '@eidetic/core';
import { hashApiKey } from './api-key.ts';
import type { ApiKeyEntry } from './key-file.ts';
import type { Limiter, LimiterAnswer, Limits } from './limiter.ts';

/** What access by keys is made of. */
export interface KeyedAccessParts {
  readonly keys: { find(sha256: string): ApiKeyEntry | undefined };
  readonly limiter: Limiter;
  /** Of keys that do not say otherwise. */
  readonly defaults: Limits;
  readonly observer: Pick<AccessObserver, 'refused'>;
  /** A clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Refusals of keys; those of unknown ones say nothing of the key that was brought. */
const MESSAGES = {
  no_key: 'This server wants an API key: send it as "Authorization: Bearer <key>".',
  unknown_key: 'The API key is not known here; see that it is complete, or ask whoever runs this server for another.',
  expired_key: 'The API key has expired; ask whoever runs this server for another.',
  disabled_key: 'The API key is disabled; ask whoever runs this server.',
} as const;

const refusalOf = (
  answer: LimiterAnswer & { readonly allowed: false },
  { requestsPerMinute, concurrentRequests }: Limits,
) => {
  const message =
    answer.reason === 'rate'
      ? `The API key may ask ${requestsPerMinute} times a minute; wait ${Math.ceil((answer.retryAfterMs ?? 0) / 1000)} s.`
      : `The API key may have ${concurrentRequests} requests under way at a time; wait until one has ended.`;
  const details: Record<string, number> = { ...answer.requests };
  if (answer.retryAfterMs !== undefined) details.retryAfterMs = answer.retryAfterMs;
  return new EideticError('rate_limited', message, { details });
};

const admissionOf = (tenant: string, requests: Allowance | undefined, release: () => void) => ({
  tenant,
  ...(requests !== undefined && { requests }),
  release,
});

/**
 * Lets in who brings a key that is known, neither expired nor disabled, and within its limits. Keys are looked up by their hash: how long
 * that takes tells something of the hash at most, from which no key can be made, so that nothing needs comparing in constant time.
 */
export const createKeyedAccess = ({ keys, limiter, defaults, observer, now }: KeyedAccessParts): AccessControl => {
  const refuse = (reason: RefusalReason, error: EideticError): never => {
    observer.refused({ reason });
    throw error;
  };
  const refuseKey = (reason: keyof typeof MESSAGES): never =>
    refuse(reason, new EideticError('invalid_api_key', MESSAGES[reason]));
  return {
    async admit({ apiKey }, kind = 'work') {
      if (apiKey === undefined) return refuseKey('no_key');
      const entry = keys.find(hashApiKey(apiKey)) ?? refuseKey('unknown_key');
      if (entry.disabled === true) return refuseKey('disabled_key');
      if (entry.expires !== undefined && now() >= Date.parse(entry.expires)) return refuseKey('expired_key');
      if (kind === 'look') return admissionOf(entry.tenant, undefined, () => undefined);
      const limits = {
        requestsPerMinute: entry.requestsPerMinute ?? defaults.requestsPerMinute,
        concurrentRequests: entry.concurrentRequests ?? defaults.concurrentRequests,
      };
      const answer = await limiter.take(entry.id, limits);
      if (!answer.allowed) return refuse(answer.reason, refusalOf(answer, limits));
      return admissionOf(entry.tenant, answer.requests, () => answer.release());
    },
  };
};
