/** Tokens that may come next, with their natural log probabilities. */
export type TokenScores = readonly (readonly [text: string, logprob: number])[];

/**
 * The choice that a model would most likely go on with, as the evaluations of SEED-Bench and MMBench pick one
 * (eval_mm/seed_bench/eval.py in github.com/QwenLM/Qwen-VL: the lowest loss of a space and the letter). There the loss is that of each
 * whole choice; here the choices are tokens among the likeliest, which is the same where each is one token. Undefined if none is among them.
 */
export function likeliestChoice(choices: readonly string[], tokens: TokenScores): string | undefined {
  const scored = choices.flatMap((choice) =>
    tokens.flatMap(([text, logprob]) => (text === ` ${choice}` ? { choice, logprob } : [])),
  );
  return scored.toSorted((a, b) => b.logprob - a.logprob)[0]?.choice;
}
