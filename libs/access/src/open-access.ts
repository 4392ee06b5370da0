import { hash } from 'node:crypto';
import type { AccessControl } from '@eidetic/core';

/** 128 bits: no two keys make the same name by chance. */
const TENANT_DIGITS = 32;

/** Lets everyone in, as often as they like; whoever brings a key is a tenant of their own, by a name from which nobody can tell the key. */
export const createOpenAccess = (): AccessControl => ({
  async admit({ apiKey }) {
    return {
      tenant: apiKey === undefined ? undefined : hash('sha256', apiKey, 'hex').slice(0, TENANT_DIGITS),
      release: () => undefined,
    };
  },
});
