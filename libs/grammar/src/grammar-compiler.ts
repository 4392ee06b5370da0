import { EideticError, type Grammar, type GrammarCompiler, type GrammarMatcher, type TokenMask } from '@eidetic/core';
import { LRUCache } from 'lru-cache';
import { grammarRules } from './grammar-rules.ts';
import { createGrammarWorker, type GrammarWorker } from './grammar-worker.ts';
import type { Rules } from './node.ts';
import type { GrammarUsage, WorkerSetup } from './protocol.ts';

/** The tokens that answers are made of. */
export interface GrammarVocabulary {
  /** Columns of the logits, padding included. */
  readonly vocab: number;
  /** Bytes of a token, possibly a part of a character; empty for one that no grammar may allow (control tokens, padding). */
  bytes(id: number): Uint8Array;
}

/** Bounds of what grammars may cost. */
export interface GrammarLimits {
  /** Longest that one grammar may take to compile, or one token to follow. */
  readonly timeLimitMs: number;
  /** Most characters of a schema or a pattern. */
  readonly maxTextLength: number;
  /** Most states of a grammar's automaton, its repetitions unrolled. */
  readonly maxStates: number;
  /** Most bytes of heap for all grammars together. */
  readonly maxMemoryBytes: number;
  /** Most compiled grammars kept for the next request that has the same. */
  readonly maxCompiled: number;
  /** Positions of one grammar that are remembered before all are forgotten. */
  readonly maxPositions: number;
  /** Most masks kept, of a bit for each token. */
  readonly maxMasks: number;
}

/** What is used when nothing else is said. */
export const DEFAULT_GRAMMAR_LIMITS: GrammarLimits = {
  timeLimitMs: 5_000,
  maxTextLength: 65_536,
  maxStates: 100_000,
  maxMemoryBytes: 536_870_912,
  maxCompiled: 64,
  maxPositions: 20_000,
  maxMasks: 2_048,
};

/** A compiler that has a thread to stop. */
export interface ClosableGrammarCompiler extends GrammarCompiler {
  /** What the thread holds now. Starts it when it is not running. */
  usage(): Promise<GrammarUsage>;
  /** Stops the thread; matchers that still wait fail with `unavailable`. */
  close(): Promise<void>;
}

/** Grammars for a vocabulary, compiled and followed in a worker thread that starts on first use. */
export function createGrammarCompiler(options: {
  readonly vocabulary: GrammarVocabulary;
  readonly limits?: Partial<GrammarLimits>;
}): ClosableGrammarCompiler {
  const limits = { ...DEFAULT_GRAMMAR_LIMITS, ...options.limits };
  const worker = createGrammarWorker(setupOf(options.vocabulary, limits), limits);
  /** Rules of grammars; and refusals, so that what took all of its time once is not tried again. */
  const known = new LRUCache<string, { readonly rules: Rules } | { readonly refusal: EideticError }>({
    max: limits.maxCompiled,
  });
  let matchers = 0;

  return {
    async compile(grammar, stopTokenIds) {
      const key = keyOf(grammar);
      const found = known.get(key) ?? { rules: rulesOf(grammar, limits.maxTextLength) };
      if ('refusal' in found) throw found.refusal;
      known.set(key, found);
      try {
        return await openMatcher(worker, { id: matchers++, key, rules: found.rules, stopTokenIds: [...stopTokenIds] });
      } catch (reason) {
        const refusal = EideticError.from(reason);
        if (refusal.code === 'invalid_request') known.set(key, { refusal });
        throw refusal;
      }
    },
    usage: () =>
      new Promise((resolve, reject) => {
        worker.submit({
          compiles: false,
          request: () => ({ kind: 'usage' }),
          done: (reply) => {
            if (reply.kind === 'usage') resolve({ matchers: reply.matchers, compiled: reply.compiled });
          },
          fail: reject,
        });
      }),
    close: worker.close,
  };
}

function rulesOf(grammar: Grammar, maxTextLength: number): Rules {
  try {
    return grammarRules(grammar, maxTextLength);
  } catch (reason) {
    throw aboutGrammar(EideticError.from(reason));
  }
}

/** The same refusal, with the field of the request that it is about. */
function aboutGrammar(error: EideticError): EideticError {
  if (error.code !== 'invalid_request') return error;
  return new EideticError(error.code, error.message, { cause: error, details: { ...error.details, param: 'grammar' } });
}

function keyOf(grammar: Grammar): string {
  const text = grammar.kind === 'json-schema' ? grammar.schema : grammar.kind === 'regex' ? grammar.pattern : '';
  return `${grammar.kind} ${text}`;
}

/** Lays the tokens' bytes end to end: that passes to a thread as two blocks. */
function setupOf(vocabulary: GrammarVocabulary, limits: GrammarLimits): WorkerSetup {
  const tokens = Array.from({ length: vocabulary.vocab }, (_, id) => vocabulary.bytes(id));
  const offsets = new Uint32Array(tokens.length + 1);
  for (const [id, bytes] of tokens.entries()) offsets[id + 1] = (offsets[id] ?? 0) + bytes.length;
  const bytes = new Uint8Array(offsets.at(-1) ?? 0);
  for (const [id, token] of tokens.entries()) bytes.set(token, offsets[id]);
  return { bytes, offsets, vocab: vocabulary.vocab, limits };
}

interface Opening {
  readonly id: number;
  readonly key: string;
  readonly rules: Rules;
  readonly stopTokenIds: readonly number[];
}

/** Opens a matcher in the worker; in a later worker it is opened again, with the tokens it has had. */
async function openMatcher(worker: GrammarWorker, opening: Opening): Promise<GrammarMatcher> {
  const history: number[] = [];
  let generation = -1;
  let released = false;

  function next(token?: number): Promise<TokenMask> {
    return new Promise((resolve, reject) => {
      worker.submit({
        compiles: token === undefined || generation !== worker.generation(),
        request(current) {
          if (released) {
            reject(new EideticError('cancelled', 'The answer was given up.'));
            return undefined;
          }
          if (token !== undefined && generation === current) return { kind: 'accept', matcher: opening.id, token };
          generation = current;
          const tokens = token === undefined ? [...history] : [...history, token];
          const { id: matcher, key, rules, stopTokenIds } = opening;
          return { kind: 'open', matcher, key, rules, stopTokenIds, history: tokens };
        },
        done(reply) {
          if (reply.kind !== 'mask') {
            reject(
              new EideticError(
                'inference_failed',
                `Token ${token} does not fit the grammar that the answer is held to.`,
              ),
            );
            return;
          }
          if (token !== undefined) history.push(token);
          resolve(reply.mask);
        },
        fail: (error) => reject(aboutGrammar(error)),
      });
    });
  }

  const first = await next();
  return {
    first,
    accept: (id) => next(id),
    release() {
      if (!released && generation === worker.generation()) worker.notify({ kind: 'release', matcher: opening.id });
      released = true;
    },
  };
}
