import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from './npy.ts';

/** Reference outputs of the embedded checkpoint, made by `training/` in PyTorch, float32, greedy. */
export const GOLDENS_DIRECTORY = join(import.meta.dirname, '../data/goldens');

type GoldenPart = { type: 'text'; text: string } | { type: 'image'; image: string };

interface GoldenArray {
  readonly image: string;
  readonly file: string;
}

/** One dialog with what the reference made of it. */
export interface GoldenCase {
  readonly name: string;
  readonly messages: readonly {
    readonly role: 'system' | 'user' | 'assistant';
    readonly content: string | readonly GoldenPart[];
  }[];
  readonly prompt_ids: readonly number[];
  readonly output_ids: readonly number[];
  readonly output_text: string;
  readonly reference_answer: string;
  readonly first_step_top5: readonly { readonly id: number; readonly logit: number }[];
  readonly image_features?: GoldenArray;
  readonly pixel_values?: GoldenArray;
}

interface Goldens {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly resize_example: GoldenArray;
  readonly cases: readonly GoldenCase[];
}

/** `cases.json`. */
export const goldens: Goldens = JSON.parse(readFileSync(join(GOLDENS_DIRECTORY, 'cases.json'), 'utf8'));

/** Names of the pictures of a case, in order. */
export const imagesOf = (golden: GoldenCase): string[] =>
  golden.messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image' ? [part.image] : [])),
  );

/** An array of the goldens. */
export const goldenArray = ({ file }: GoldenArray): Float32Array => readNpy(join(GOLDENS_DIRECTORY, file));

/** What the reference makes of a long prompt. */
export interface LongGolden {
  readonly prompt: readonly number[];
  /** Of each token of the greedy answer: the likeliest ids with their logits, the chosen one first. */
  readonly steps: readonly (readonly (readonly [id: number, logit: number])[])[];
}

/** Prompts around and beyond the trained length (`long.json`), in order of their length. */
export function longGoldens(): LongGolden[] {
  const { prompt_ids: ids, cases } = JSON.parse(readFileSync(join(GOLDENS_DIRECTORY, 'long.json'), 'utf8')) as {
    readonly prompt_ids: readonly number[];
    readonly cases: readonly { readonly length: number; readonly steps: LongGolden['steps'] }[];
  };
  return cases.map(({ length, steps }) => ({ prompt: ids.slice(0, length), steps }));
}

/** The one of a length. */
export function longGolden(length: number): LongGolden {
  const golden = longGoldens().find(({ prompt }) => prompt.length === length);
  if (!golden) throw new Error(`There is no golden prompt of ${length} tokens.`);
  return golden;
}
