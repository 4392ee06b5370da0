/** What a caller shows. */
export interface Credentials {
  /** Undefined: the caller brought none. */
  readonly apiKey: string | undefined;
}

/** What is left of a limit, as clients are told. */
export interface Allowance {
  /** Most in a minute, and at once. */
  readonly limit: number;
  /** Of it, what could be taken now. */
  readonly remaining: number;
  /** Time until all of it is there again. */
  readonly resetMs: number;
}

/** Whether a request makes work, or only looks at what is there: then no limit counts it. */
export type RequestKind = 'work' | 'look';

/** A caller who was let in. */
export interface Admission {
  /** Whom the work is for: a name that tells tenants apart, and is no secret. Undefined: one that all such callers share. */
  readonly tenant: string | undefined;
  /** Requests that their key has left after this one; absent: it has no such limit. */
  readonly requests?: Allowance;
  /** To be called once the request has ended, however it did: frees what it held of its key's limits. */
  release(): void;
}

/** Decides who may ask for something, and how often. */
export interface AccessControl {
  /**
   * Lets a request in.
   *
   * @param kind `work` if left out.
   * @throws EideticError `invalid_api_key`; `rate_limited`, with the wait in `details.retryAfterMs`, and the fields of an
   *   {@link Allowance} beside it if the key has a limit of requests.
   */
  admit(credentials: Credentials, kind?: RequestKind): Promise<Admission>;
}
