import { EideticError, type Grammar } from '@eidetic/core';
import { checkLeftRecursion, withoutDeadRules } from './check-rules.ts';
import { jsonObjectRules, schemaRules } from './json-schema.ts';
import { alt, type Rules } from './node.ts';
import { parseRegex } from './regex.ts';

/**
 * The rules of a grammar, `root` first.
 *
 * @param maxLength Most characters of a schema or a pattern.
 * @throws EideticError `invalid_request` for what is malformed, not supported, too long, or has no answer.
 */
export function grammarRules(grammar: Grammar, maxLength: number): Rules {
  const length =
    grammar.kind === 'json-schema' ? grammar.schema.length : grammar.kind === 'regex' ? grammar.pattern.length : 0;
  if (length > maxLength) {
    throw new EideticError(
      'invalid_request',
      `The grammar of ${length} characters is too long; at most ${maxLength} are accepted. Shorten it.`,
    );
  }
  const rules = withoutDeadRules(rulesOf(grammar));
  checkLeftRecursion(rules);
  return rules;
}

function rulesOf(grammar: Grammar): Rules {
  switch (grammar.kind) {
    case 'json-object':
      return jsonObjectRules();
    case 'json-schema':
      return schemaRules(parseJson(grammar.schema));
    case 'regex':
      return new Map([['root', alt(parseRegex(grammar.pattern).map(({ node }) => node))]]);
  }
}

function parseJson(schema: string): unknown {
  try {
    return JSON.parse(schema);
  } catch (reason) {
    throw new EideticError(
      'invalid_request',
      `The JSON Schema is not JSON: ${reason instanceof Error ? reason.message : reason}.`,
    );
  }
}
