import { isFloatDType, type TensorInfo } from '@eidetic/checkpoint';
import { EideticError } from '@eidetic/core';
import type { WeightSource } from '@eidetic/exporter';

/** What the reference makes itself, and older versions of it saved. */
const DERIVED = /\.(rotary_emb\.inv_freq|attn\.masked_bias)$/;

/** What GPTQ packs into integers. */
const PACKED = /\.(qweight|qzeros|g_idx)$/;

/** Kinds of problems, as they are reported. */
const KINDS = ['Missing', 'Of another shape', 'Of another type', 'Not part of the model'] as const;

interface Problem {
  readonly kind: (typeof KINDS)[number];
  readonly tensor: string;
  /** What was found and what is needed; empty where the kind says all. */
  readonly detail: string;
}

/**
 * Checks that a checkpoint holds the expected tensors, in their shapes and of a type that can be read, and no others: what is beyond the model
 * would be ignored without a word. What the reference derives (`rotary_emb.inv_freq`, `attn.masked_bias`) may be there or not.
 *
 * @throws EideticError `invalid_checkpoint` naming everything that is missing or wrong, layers that have the same problem as one.
 */
export function checkTensors(weights: WeightSource, expected: ReadonlyMap<string, readonly number[]>): void {
  const problems = [...problemsOfExpected(weights, expected), ...unknownTensors(weights, expected)];
  if (problems.length === 0) return;
  const lines = KINDS.flatMap((kind) => {
    const ofKind = problems.filter((problem) => problem.kind === kind);
    return ofKind.length === 0 ? [] : [`${kind}: ${ofKind.length} (${shorten(ofKind)}).`];
  });
  throw new EideticError(
    'invalid_checkpoint',
    `The checkpoint does not fit its config.json, which asks for ${expected.size} tensors. ${lines.join(' ')}`,
  );
}

function problemsOfExpected(weights: WeightSource, expected: ReadonlyMap<string, readonly number[]>): Problem[] {
  return Array.from(expected, ([tensor, shape]): Problem | undefined => {
    const found = weights.tensors.get(tensor);
    if (found === undefined) return { kind: 'Missing', tensor, detail: '' };
    if (String(found.shape) !== String(shape)) {
      return { kind: 'Of another shape', tensor, detail: `[${found.shape}] instead of [${shape}]` };
    }
    const needed = typeNeeded(found);
    if (needed === undefined) return undefined;
    return { kind: 'Of another type', tensor, detail: `${found.dtype} instead of ${needed}` };
  }).filter((problem) => problem !== undefined);
}

/** The type that a tensor should be of; nothing if it is. */
function typeNeeded({ name, dtype }: TensorInfo): string | undefined {
  if (PACKED.test(name)) return dtype === 'int32' ? undefined : 'int32';
  return isFloatDType(dtype) ? undefined : 'bfloat16, float16 or float32';
}

function unknownTensors(weights: WeightSource, expected: ReadonlyMap<string, readonly number[]>): Problem[] {
  return [...weights.tensors.keys()]
    .filter((tensor) => !expected.has(tensor) && !DERIVED.test(tensor))
    .map((tensor) => ({ kind: 'Not part of the model', tensor, detail: '' }));
}

/** A checkpoint of another family has hundreds of problems, and the first dozen kinds say so. */
const MOST_NAMES = 12;

/** Names of the tensors; those that differ only in the layer become one, such as `transformer.h.{0-4,7}.ln_1.weight`. */
function shorten(problems: readonly Problem[]): string {
  const groups = Map.groupBy(problems, ({ tensor, detail }) => `${tensor.replace(LAYER, '.{}.')} ${detail}`);
  const names = Array.from(groups.values(), (group) => {
    const [{ tensor, detail } = { tensor: '', detail: '' }] = group;
    const layers = group.map((problem) => Number(LAYER.exec(problem.tensor)?.[1]));
    const name = group.length === 1 ? tensor : tensor.replace(LAYER, `.{${ranges(layers)}}.`);
    return `'${name}'${detail && ` ${detail}`}`;
  });
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more kinds` : '';
  return names.slice(0, MOST_NAMES).join(', ') + more;
}

/** The number of a layer in a tensor's name. */
const LAYER = /\.(\d+)\./;

/** Numbers that ascend, as `0-4,7`. */
function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
