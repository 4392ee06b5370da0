import type { Grammar } from '@eidetic/core';
import { z } from 'zod';
import { refuse } from './validate.ts';

const jsonSchema = z.record(z.string(), z.unknown());

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
        schema: jsonSchema,
        strict: z.boolean().nullish(),
      }),
    }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected "text", "json_object" or "json_schema"' : undefined) },
);

/** vLLM's extension, as far as it is served: https://docs.vllm.ai/en/latest/features/structured_outputs/ */
export const structuredOutputs = z
  .strictObject({
    regex: z.string().min(1).nullish(),
    choice: z.array(z.string().min(1)).min(1).nullish(),
    json: jsonSchema.nullish(),
  })
  .refine(
    (structures) => Object.values(structures).filter((each) => each != null).length === 1,
    'expected one of regex, choice and json',
  );

/** The parts of a request that say what language an answer is in. */
export interface FormatFields {
  readonly response_format?: z.output<typeof responseFormat> | null | undefined;
  readonly structured_outputs?: z.output<typeof structuredOutputs> | null | undefined;
}

const schemaGrammar = (schema: object, param: string): Grammar => {
  try {
    return { kind: 'json-schema', schema: JSON.stringify(schema) };
  } catch (error) {
    // Reading JSON takes no stack, writing it does: a body of brackets only is deeper than any stack.
    if (!(error instanceof RangeError)) throw error;
    throw refuse(param, 'this schema is nested too deeply; use $ref.');
  }
};

/** A pattern that matches this text alone. */
const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);

/** Path of the parameter that says what language an answer is in. */
export const formatParam = ({ response_format, structured_outputs }: FormatFields): string => {
  const structure = Object.entries(structured_outputs ?? {}).find(([, value]) => value != null);
  if (structure !== undefined) return `structured_outputs.${structure[0]}`;
  return response_format?.type === 'json_schema' ? 'response_format.json_schema.schema' : 'response_format';
};

/**
 * The grammar that a request holds its answers to; `undefined` for plain text.
 *
 * @throws EideticError `invalid_request` for two at once, or a schema that is nested too deeply to be written.
 */
export const answerGrammar = (fields: FormatFields): Grammar | undefined => {
  const { response_format, structured_outputs } = fields;
  const { regex, choice, json } = structured_outputs ?? {};
  const { type } = response_format ?? { type: 'text' };
  if (structured_outputs != null && type !== 'text') {
    throw refuse('structured_outputs', 'give it or response_format, not both.');
  }
  const schema = json ?? (response_format?.type === 'json_schema' ? response_format.json_schema.schema : undefined);
  if (regex != null) return { kind: 'regex', pattern: regex };
  if (choice != null) return { kind: 'regex', pattern: choice.map(literally).join('|') };
  if (schema !== undefined) return schemaGrammar(schema, formatParam(fields));
  return type === 'json_object' ? { kind: 'json-object' } : undefined;
};
