/** Tags of what an answer, or a question, points at. */
export const GROUNDING_TAGS = ['<ref>', '</ref>', '<box>', '</box>', '<quad>', '</quad>'] as const;

/** Marks of turns and pictures: only the prompt builder writes them. */
export const CONTROL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<img>', '</img>', '<imgpad>'] as const;

/** A special token with a meaning. */
export type SpecialToken = (typeof GROUNDING_TAGS)[number] | (typeof CONTROL_TOKENS)[number];

/** Names of the special tokens in the order of their ids, which follow the last rank (`tokenization_qwen.py`). */
export const SPECIAL_TOKENS: readonly string[] = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  ...Array.from({ length: 205 }, (_, i) => `<|extra_${i}|>`),
  ...GROUNDING_TAGS,
  '<img>',
  '</img>',
  '<imgpad>',
];

/** Id of every special token of a tokenizer with so many ranks. */
export function specialTokenIds(ranks: number): Record<string, number> {
  return Object.fromEntries(SPECIAL_TOKENS.map((name, i) => [name, ranks + i]));
}
