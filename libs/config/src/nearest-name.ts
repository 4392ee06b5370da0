/** Edit distance (Levenshtein 1966): insertions, deletions and substitutions from `a` to `b`. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const substituted = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** The name that `written` was probably meant to be: at most a third of its letters are wrong. */
export const nearestName = (written: string, names: readonly string[]): string | undefined => {
  const ranked = names.map((name) => ({ name, edits: distance(written, name) })).sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= written.length / 3 ? best.name : undefined;
};
