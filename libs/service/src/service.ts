/** What a process runs from its start to its end. `Started` is what its start finds out, such as addresses. */
export interface Service<Started> {
  /**
   * Listens at once, then loads what it needs; resolves when requests are answered.
   *
   * @throws EideticError `invalid_config` when a port is taken; what the loading throws.
   */
  start(): Promise<Started>;
  /** Refuses new requests and lets the running ones end, up to the drain limit. */
  drain(): Promise<void>;
  /** Closes every connection, after a moment for last words, and releases what was loaded. */
  stop(): Promise<void>;
}
