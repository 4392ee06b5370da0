export {
  type ClosableGrammarCompiler,
  createGrammarCompiler,
  DEFAULT_GRAMMAR_LIMITS,
  type GrammarLimits,
  type GrammarVocabulary,
} from './grammar-compiler.ts';
export type { GrammarUsage } from './protocol.ts';
