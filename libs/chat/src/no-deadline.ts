/** A deadline, in milliseconds since 1970, that never comes. */
export const NO_DEADLINE_MS = Number.MAX_SAFE_INTEGER;
