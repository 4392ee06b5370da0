import type { CacheScope } from '../cache-keys.ts';

/** For whom a picture is fetched. */
export interface FetchContext {
  /** Tenants that wait for fetches take turns. */
  readonly scope: CacheScope;
  /** Trace context (W3C); it is not sent to the server of the picture. */
  readonly traceparent?: string;
}

/** A picture's bytes, which count against the fetcher's memory until they are disposed of. */
export interface FetchedImage extends Disposable {
  readonly bytes: Uint8Array;
}

/** Gets the pictures behind URLs that users send, whatever those and the servers behind them are up to. */
export interface ImageFetcher {
  /**
   * The bytes behind an http(s) URL; they begin like a picture.
   *
   * @throws EideticError `unsupported_image_source` for what is not fetched as a matter of policy; `image_unreachable`,
   *   `image_too_large`, `invalid_image`, `deadline_exceeded`, `overloaded`; the signal's reason once it is aborted.
   */
  fetch(url: string, context: FetchContext, signal?: AbortSignal): Promise<FetchedImage>;
}

/** Why a picture was not fetched. The first five are policy, and nobody was asked for the picture (any more). */
export type FetchRefusal =
  /** No http(s) URL, or one with a user name or password. */
  | 'url'
  /** A host that settings exclude. */
  | 'host'
  /** A port that settings exclude. */
  | 'port'
  /** An address that is not public, or none. */
  | 'address'
  /** Too many redirects, or one from https to http. */
  | 'redirect'
  /** No connection, no HTTP, or one that broke off. */
  | 'unreachable'
  /** Another status than 200. */
  | 'status'
  /** A content encoding, which was not asked for. */
  | 'encoding'
  /** No picture. */
  | 'format'
  /** More bytes than one picture may have. */
  | 'size'
  /** Not there in time. */
  | 'timeout'
  /** Too many fetches wait, or fetched pictures take too much memory. */
  | 'overloaded'
  /** Whoever asked has left. */
  | 'cancelled'
  /** A fault of the fetcher. */
  | 'internal';

/** Told of every fetch as it ends, for metrics. It must be quick and must not throw. */
export interface ImageFetchObserver {
  fetched(sizeBytes: number): void;
  refused(reason: FetchRefusal): void;
}
