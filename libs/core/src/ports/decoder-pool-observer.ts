import type { ErrorCode } from '../errors.ts';

/** Why a request went to the decoder that it went to. */
export type RouteReason =
  /** The state of its beginning is there. */
  | 'prefix'
  /** Nothing is known of its beginning: the first choice of its hash. */
  | 'hash'
  /** Where it would have gone, too much is going on. */
  | 'spill'
  /** Everywhere too much is going on: where there is least. */
  | 'least_loaded';

/** Told what a pool of decoders does, for metrics. It must be quick and must not throw. */
export interface DecoderPoolObserver {
  /** A request, or the rest of one, was sent to a decoder. */
  routed(attempt: { readonly reason: RouteReason; readonly continues: boolean }): void;
  /** An attempt ended: the answer was complete, or the code of the error. */
  attempted(attempt: { readonly outcome: 'ok' | ErrorCode }): void;
  /** The prompt is computed: its positions, and of them those that were reused. Once per answer. */
  prefilled(prompt: { readonly promptTokens: number; readonly cachedTokens: number }): void;
  /** An answer that had so many tokens went on elsewhere. `gapMs` lies between its loss and the next event of it. */
  resumed(answer: { readonly tokens: number; readonly gapMs: number }): void;
  /** A decoder serves another model than the others and gets no requests. */
  foreignModel(): void;
}
