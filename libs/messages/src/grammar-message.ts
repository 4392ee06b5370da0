import type { Grammar } from '@eidetic/core';
import type { Grammar as GrammarMessage } from '@eidetic/proto';
import { refuse } from './field.ts';

/** A grammar as a message. */
export const toGrammarMessage = (grammar: Grammar): GrammarMessage => {
  switch (grammar.kind) {
    case 'json-object':
      return { language: { $case: 'jsonObject', value: {} } };
    case 'json-schema':
      return { language: { $case: 'jsonSchema', value: grammar.schema } };
    case 'regex':
      return { language: { $case: 'regex', value: grammar.pattern } };
  }
};

/**
 * Reads a grammar; whether it is well-formed is for its compiler to say.
 *
 * @throws EideticError `invalid_request` for one of no kind, or of a kind that is not known.
 */
export const readGrammar = ({ language }: GrammarMessage): Grammar => {
  switch (language?.$case) {
    case 'jsonObject':
      return { kind: 'json-object' };
    case 'jsonSchema':
      return { kind: 'json-schema', schema: language.value };
    case 'regex':
      return { kind: 'regex', pattern: language.value };
    case undefined:
      throw refuse('grammar', 'has no language that is known');
  }
};
