import { EideticError } from '@eidetic/core';
import type { GptqScheme } from '@eidetic/exporter';
import { z } from 'zod';

const schema = z.object({
  // AutoGPTQ's own file does not name the method.
  quant_method: z.literal('gptq').default('gptq'),
  bits: z.literal(4),
  group_size: z.literal([32, 64, 128]),
  // Absent before AutoGPTQ 0.8. Whether zero points are symmetric and columns in another order is read from the tensors.
  checkpoint_format: z.enum(['gptq', 'gptq_v2']).default('gptq'),
});

/**
 * How GPTQ quantised the language model, from `quantization_config` of a parsed `config.json` and from a parsed
 * `quantize_config.json`, of which a checkpoint may have either or both; `undefined` when it has none.
 *
 * @throws EideticError `invalid_checkpoint` for another method, for bits or groups that are not supported, and when the two
 *   disagree.
 */
export function parseQuantization(config: unknown, quantizeConfig: unknown): GptqScheme | undefined {
  const inConfig = z.object({ quantization_config: z.unknown() }).safeParse(config).data?.quantization_config;
  const found = [
    ['quantization_config of config.json', inConfig] as const,
    ['quantize_config.json', quantizeConfig] as const,
  ].filter(([, json]) => json !== undefined && json !== null);
  const [scheme, other] = found.map(([where, json]) => parseScheme(where, json));
  if (other !== undefined && JSON.stringify(scheme) !== JSON.stringify(other)) {
    const message = `config.json and quantize_config.json disagree: ${JSON.stringify(scheme)}, ${JSON.stringify(other)}.`;
    throw new EideticError('invalid_checkpoint', message);
  }
  return scheme;
}

function parseScheme(where: string, json: unknown): GptqScheme {
  const { data, error } = schema.safeParse(json);
  if (data !== undefined) {
    return { groupSize: data.group_size, zeroOffset: data.checkpoint_format === 'gptq_v2' ? 0 : 1 };
  }
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ');
  const advice =
    'Only GPTQ at 4 bits in groups of 32, 64 or 128 is read; otherwise convert the unquantised checkpoint.';
  throw new EideticError('invalid_checkpoint', `${where} is not supported (${problems}). ${advice}`);
}
