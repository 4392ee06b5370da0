import type { Grammar } from '@eidetic/core';
import { z } from 'zod';
import { refuse } from './validate.ts';

/** OpenAI's `response_format`. A schema is always kept to, whether `strict` or not. */
export const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({
      type: z.literal('json_schema'),
      json_schema: z.strictObject({
        name: z.string(),
        description: z.string().nullish(),
        schema: z.record(z.string(), z.unknown()),
        strict: z.boolean().nullish(),
      }),
    }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected "text", "json_object" or "json_schema"' : undefined) },
);

/** vLLM's extension, as far as it is served: https://docs.vllm.ai/en/latest/features/structured_outputs/ */
export const structuredOutputs = z.strictObject({
  regex: z.string('expected a regular expression; no other structure is served').min(1),
});

/** The parts of a request that say what language an answer is in. */
interface FormatFields {
  readonly response_format?: z.output<typeof responseFormat> | null | undefined;
  readonly structured_outputs?: z.output<typeof structuredOutputs> | null | undefined;
}

const schemaText = (schema: object): string => {
  try {
    return JSON.stringify(schema);
  } catch (error) {
    // Reading JSON takes no stack, writing it does: a body of brackets only is deeper than any stack.
    if (!(error instanceof RangeError)) throw error;
    throw refuse('response_format.json_schema.schema', 'this schema is nested too deeply; use $ref.');
  }
};

/**
 * The grammar that a request holds its answers to; `undefined` for plain text.
 *
 * @throws EideticError `invalid_request` for two at once, or a schema that is nested too deeply to be written.
 */
export const answerGrammar = ({ response_format, structured_outputs }: FormatFields): Grammar | undefined => {
  const regex = structured_outputs?.regex;
  const { type } = response_format ?? { type: 'text' };
  if (regex !== undefined && type !== 'text') {
    throw refuse('structured_outputs', 'give it or response_format, not both.');
  }
  if (regex !== undefined) return { kind: 'regex', pattern: regex };
  if (response_format?.type === 'json_schema') {
    return { kind: 'json-schema', schema: schemaText(response_format.json_schema.schema) };
  }
  return type === 'json_object' ? { kind: 'json-object' } : undefined;
};
