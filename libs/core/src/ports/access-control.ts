/** What a caller shows. */
export interface Credentials {
  /** Undefined: the caller brought none. */
  readonly apiKey: string | undefined;
}

/** A caller who was let in. */
export interface Admission {
  /** Whom the work is for: a name that tells tenants apart, and is no secret. Undefined: one that all such callers share. */
  readonly tenant: string | undefined;
  /** To be called once the request has ended, however it did: frees what it held of its key's limits. */
  release(): void;
}

/** Decides who may ask for something, and how often. */
export interface AccessControl {
  /**
   * Lets a request in.
   *
   * @throws EideticError `invalid_api_key`; `rate_limited`, with the wait in `details.retryAfterMs`.
   */
  admit(credentials: Credentials): Promise<Admission>;
}
