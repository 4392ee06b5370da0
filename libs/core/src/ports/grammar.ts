/** A language that an answer is held to. */
export type Grammar =
  /** Any JSON object. */
  | { readonly kind: 'json-object' }
  /** JSON that a JSON Schema (as JSON text) describes. */
  | { readonly kind: 'json-schema'; readonly schema: string }
  /** Text that a regular expression matches as a whole. */
  | { readonly kind: 'regex'; readonly pattern: string };

/** Which tokens may come next: token `id` may where bit `id % 32` of word `id >> 5` is set. */
export type TokenMask = Int32Array;

/** Follows one answer through its grammar. */
export interface GrammarMatcher {
  /** Tokens that may begin the answer. */
  readonly first: TokenMask;
  /**
   * Takes the token that was chosen; resolves with those that may follow it. Stop tokens are among them where the answer may
   * end.
   *
   * @throws EideticError `inference_failed` when the token was not allowed.
   */
  accept(id: number): Promise<TokenMask>;
  /** Frees what it holds. */
  release(): void;
}

/** Turns grammars into matchers. */
export interface GrammarCompiler {
  /** @throws EideticError `invalid_request` for a grammar that is malformed, not supported, or too complex. */
  compile(grammar: Grammar, stopTokenIds: readonly number[]): Promise<GrammarMatcher>;
}
