import { type AccessControl, type AccessObserver, EideticError } from '@eidetic/core';
import { KeyStore } from './key-store.ts';
import { createKeyedAccess } from './keyed-access.ts';
import type { Limiter } from './limiter.ts';
import { MemoryLimiter } from './memory-limiter.ts';
import { createOpenAccess } from './open-access.ts';
import type { AccessConfig } from './settings.ts';

/** What is told of access, and what may be shared. */
export interface AccessParts {
  readonly observer: AccessObserver;
  readonly onReload: (message: string, reason?: Error) => void;
  /** Undefined: limits are kept within this process. */
  readonly limiter?: Limiter | undefined;
}

/** Access control that lets go of its file when it is disposed of. */
export type OpenedAccess = AccessControl & Disposable;

/**
 * Access as the settings say: by the keys of a file, or for everyone.
 *
 * @throws EideticError `invalid_config` if the file is missing or wrong, or if there are limits and no keys to have them.
 */
export const openAccessControl = (config: AccessConfig, { observer, onReload, limiter }: AccessParts): OpenedAccess => {
  const { apiKeysFile: path, apiKeysIntervalMs: intervalMs } = config;
  const defaults = {
    requestsPerMinute: config.keyRequestsPerMinute,
    concurrentRequests: config.keyConcurrentRequests,
  };
  if (path === undefined) {
    if (Object.values(defaults).every((limit) => limit === 0)) {
      return { ...createOpenAccess(), [Symbol.dispose]: () => undefined };
    }
    const message =
      'EIDETIC_KEY_REQUESTS_PER_MINUTE and EIDETIC_KEY_CONCURRENT_REQUESTS limit keys of a file: set EIDETIC_API_KEYS_FILE as well.';
    throw new EideticError('invalid_config', message);
  }
  const keys = new KeyStore({ path, intervalMs, observer, onReload });
  const access = createKeyedAccess({
    keys,
    limiter: limiter ?? new MemoryLimiter(() => performance.now()),
    defaults,
    observer,
    now: Date.now,
  });
  return { ...access, [Symbol.dispose]: () => keys[Symbol.dispose]() };
};
