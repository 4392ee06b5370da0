import { hash } from 'node:crypto';

/** Whose cache entries are meant: one tenant's, which no other tenant's requests find, or those of a pool that all share. */
export type CacheScope = 'shared' | `tenant-${string}`;

/** The pool of an operator who lets tenants find each other's pictures. */
export const SHARED_SCOPE: CacheScope = 'shared';

/** The scope of one tenant. The name itself is not in it: keys are seen in Redis, in logs and by other services. */
export const tenantScope = (tenant: string): CacheScope =>
  `tenant-${hash('sha256', tenant, 'hex').slice(0, TENANT_HASH_DIGITS)}`;

/** A scope that came from elsewhere; `undefined` for text that is none. */
export const toCacheScope = (text: string): CacheScope | undefined =>
  text === SHARED_SCOPE || /^tenant-[0-9a-f]{32}$/.test(text) ? (text as CacheScope) : undefined;

/**
 * Under which an embedding is kept.
 *
 * @param fingerprint the encoder's: weights, graph, precision, preprocessing.
 * @param imageId sha256 of the picture's bytes, in hex.
 */
export const embeddingKey = (scope: CacheScope, fingerprint: string, imageId: string): string =>
  `${scope}:${fingerprint}:${imageId}`;

/** 128 bits: no two tenants meet by chance. */
const TENANT_HASH_DIGITS = 32;
