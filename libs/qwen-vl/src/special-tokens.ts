/** Names of the special tokens in the order of their ids, which follow the last rank (`tokenization_qwen.py`). */
export const SPECIAL_TOKENS: readonly string[] = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  ...Array.from({ length: 205 }, (_, i) => `<|extra_${i}|>`),
  '<ref>',
  '</ref>',
  '<box>',
  '</box>',
  '<quad>',
  '</quad>',
  '<img>',
  '</img>',
  '<imgpad>',
];

/** Id of every special token of a tokenizer with so many ranks. */
export function specialTokenIds(ranks: number): Record<string, number> {
  return Object.fromEntries(SPECIAL_TOKENS.map((name, i) => [name, ranks + i]));
}
