import { hash, randomBytes } from 'node:crypto';

/** By which people and scanners for leaked secrets know a key of ours. */
const PREFIX = 'eid_';

/** 256 random bits: nobody guesses one, whatever they know of its hash. */
const KEY_BYTES = 32;

/** A new key: `eid_` and 64 hex digits, which a double click selects as a whole. It is shown once and kept by its hash only. */
export const generateApiKey = (): string => PREFIX + randomBytes(KEY_BYTES).toString('hex');

/**
 * The SHA-256 of a key, in hex: what is kept of it. Hashes that are slow on purpose protect passwords, which can be guessed; 256 random
 * bits cannot, and a slow hash on every request would only help whoever wants to keep the server busy.
 */
export const hashApiKey = (key: string): string => hash('sha256', key, 'hex');
