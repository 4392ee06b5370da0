/** Tokens by their bytes: the nodes of a trie in the order of a walk that goes deep first. */
export interface TokenTrie {
  /** Nodes above. */
  readonly depths: Uint16Array;
  readonly bytes: Uint8Array;
  /** Node behind the last one below. */
  readonly ends: Uint32Array;
  /** Token that ends at the node, or -1. */
  readonly tokens: Int32Array;
  /** Another token of the same bytes, or -1; by token. */
  readonly twins: Int32Array;
  readonly deepest: number;
}

/**
 * Builds the trie of the tokens that have bytes.
 *
 * @param bytes Bytes of all tokens end to end; token `id` is those from `offsets[id]` to `offsets[id + 1]`.
 */
export function buildTokenTrie(bytes: Uint8Array, offsets: Uint32Array): TokenTrie {
  const token = (id: number): Uint8Array => bytes.subarray(offsets[id], offsets[id + 1]);
  const sorted = Array.from({ length: offsets.length - 1 }, (_, id) => id)
    .filter((id) => token(id).length > 0)
    .sort((a, b) => Buffer.compare(token(a), token(b)));
  const nodes = { depths: [] as number[], bytes: [] as number[], ends: [] as number[], tokens: [] as number[] };
  const twins = new Int32Array(offsets.length).fill(-1);
  const path: number[] = [];
  let previous = new Uint8Array();
  const leave = (depth: number): void => {
    while (path.length > depth) nodes.ends[path.pop() ?? 0] = nodes.bytes.length;
  };
  for (const id of sorted) {
    const word = token(id);
    let shared = 0;
    while (shared < previous.length && word[shared] === previous[shared]) shared++;
    leave(shared);
    for (let depth = shared; depth < word.length; depth++) {
      path.push(nodes.bytes.length);
      nodes.depths.push(depth);
      nodes.bytes.push(word[depth] ?? 0);
      nodes.ends.push(0);
      nodes.tokens.push(-1);
    }
    const last = path.at(-1) ?? 0;
    twins[id] = nodes.tokens[last] ?? -1;
    nodes.tokens[last] = id;
    previous = Uint8Array.from(word);
  }
  leave(0);
  return {
    depths: Uint16Array.from(nodes.depths),
    bytes: Uint8Array.from(nodes.bytes),
    ends: Uint32Array.from(nodes.ends),
    tokens: Int32Array.from(nodes.tokens),
    twins,
    deepest: sorted.reduce((most, id) => Math.max(most, token(id).length), 0),
  };
}
