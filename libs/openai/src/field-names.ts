import { type FormatFields, formatParam } from './answer-grammar.ts';

/** Names of what the common fields say. */
export const fieldNames = (fields: FormatFields): Record<string, string> => ({
  maxTokens: 'max_tokens',
  minTokens: 'min_tokens',
  choices: 'n',
  grammar: formatParam(fields),
});
