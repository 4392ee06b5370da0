/** Ids below this are ordinary tokens in every vocabulary of the family. */
const ORDINARY_IDS = 4000;

/** Prompts of random ordinary tokens, the same for the same numbers, so that every contender gets the same work. */
export function randomPrompts(count: number, length: number, round: number): number[][] {
  let state = (round + 1) * 2654435761 + length;
  const next = (): number => {
    // The generator of Numerical Recipes (1992).
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * ORDINARY_IDS);
  };
  return Array.from({ length: count }, () => Array.from({ length }, next));
}
