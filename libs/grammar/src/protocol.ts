import type { ErrorCode } from '@eidetic/core';
import type { Rules } from './node.ts';

/** Bounds of what the worker holds. */
interface WorkerLimits {
  /** Most states of one grammar's automaton. */
  readonly maxStates: number;
  /** Most grammars kept for the next answer. */
  readonly maxCompiled: number;
  /** Positions of one grammar that are remembered before all are forgotten. */
  readonly maxPositions: number;
  /** Most masks kept. */
  readonly maxMasks: number;
}

/** What the worker is started with. */
export interface WorkerSetup {
  /** Bytes of every token laid end to end; token `id` is those from `offsets[id]` to `offsets[id + 1]`, none for control tokens. */
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  /** Columns of the logits. */
  readonly vocab: number;
  readonly limits: WorkerLimits;
}

/** What is asked of the worker. All but `release` are answered, in order. */
export type WorkerRequest =
  /** Starts following an answer that has the tokens of `history` so far. `key` stands for the rules. */
  | {
      readonly kind: 'open';
      readonly matcher: number;
      readonly key: string;
      readonly rules: Rules;
      readonly stopTokenIds: readonly number[];
      readonly history: readonly number[];
    }
  | { readonly kind: 'accept'; readonly matcher: number; readonly token: number }
  | { readonly kind: 'release'; readonly matcher: number }
  | { readonly kind: 'usage' };

/** What the worker holds. */
export interface GrammarUsage {
  /** Answers that are being followed. */
  readonly matchers: number;
  readonly compiled: number;
}

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'mask'; readonly mask: Int32Array }
  /** The token does not fit. */
  | { readonly kind: 'rejected' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  | ({ readonly kind: 'usage' } & GrammarUsage);
