import { EideticError } from '@eidetic/core';
import { type Automaton, RETURN } from './automaton.ts';
import type { TokenTrie } from './token-trie.ts';

/** Where calls go on: innermost first. Equal ones are the same object. */
interface Stack {
  readonly id: number;
  readonly to: number;
  readonly below: Stack | undefined;
}

/** All places in the grammar where a text may be. */
export interface Position {
  /** Whether the text may end. */
  readonly mayEnd: boolean;
  readonly places: readonly { readonly state: number; readonly stack: Stack }[];
  /** By byte, as far as it was asked for; `null`: no text goes on so. */
  readonly next: (Position | null | undefined)[];
}

/** Reads texts of one grammar. Positions are remembered and shared by all answers that come by. */
export interface Follower {
  /** Before any text. */
  start(): Position;
  /** Where the text is after a token's bytes; `undefined` if none goes on so. */
  advance(position: Position, bytes: Uint8Array): Position | undefined;
  /** Tokens with bytes that may follow, in words of 32. */
  mask(position: Position): Int32Array;
  /** Positions remembered. */
  size(): number;
  /** Forgets them all; those in use stay valid. */
  forget(): void;
}

/** Most places that a text can be at, at a time: each byte costs that much work. */
const MAX_PLACES = 20_000;
const REFUSAL = `The grammar is too ambiguous: a text can be at more than ${MAX_PLACES} places of it at once. Write alternatives that differ earlier.`;

/** Makes the follower of an automaton over a vocabulary of `vocab` tokens. */
export function createFollower({ states, starts }: Automaton, trie: TokenTrie, vocab: number): Follower {
  const positions = new Map<string, Position>();
  const stacks = new Map<string, Stack>();
  let names = 0;
  const bottom: Stack = { id: 0, to: RETURN, below: undefined };

  function push(to: number, below: Stack): Stack {
    // Nothing comes behind a call at a rule's end, so it need not be remembered.
    if (to === RETURN) return below;
    const key = `${to} ${below.id}`;
    const known = stacks.get(key);
    if (known !== undefined) return known;
    const stack = { id: ++names, to, below };
    stacks.set(key, stack);
    return stack;
  }

  /** The position of some places and all that is reached from there without reading. */
  function settle(from: readonly { readonly state: number; readonly stack: Stack }[]): Position | null {
    const open = [...from];
    const seen = new Set<string>();
    const places: { state: number; stack: Stack }[] = [];
    let mayEnd = false;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const key = `${place.state} ${place.stack.id}`;
      if (seen.has(key)) continue;
      if (seen.add(key).size > MAX_PLACES) throw new EideticError('invalid_request', REFUSAL);
      const { state, stack } = place;
      if (state === RETURN) {
        if (stack.below === undefined) mayEnd = true;
        else open.push({ state: stack.to, stack: stack.below });
        continue;
      }
      const { edges = [], jumps = [], calls = [] } = states[state] ?? {};
      if (edges.length > 0) places.push(place);
      for (const to of jumps) open.push({ state: to, stack });
      for (const { rule, to } of calls) open.push({ state: starts.get(rule) ?? RETURN, stack: push(to, stack) });
    }
    if (places.length === 0 && !mayEnd) return null;
    places.sort((a, b) => a.state - b.state || a.stack.id - b.stack.id);
    const key = `${mayEnd} ${places.map(({ state, stack }) => `${state} ${stack.id}`).join(' ')}`;
    const known = positions.get(key);
    if (known !== undefined) return known;
    const position = { mayEnd, places, next: [] };
    positions.set(key, position);
    return position;
  }

  function step(position: Position, byte: number): Position | null {
    const known = position.next[byte];
    if (known !== undefined) return known;
    const reached = position.places.flatMap(({ state, stack }) =>
      (states[state]?.edges ?? [])
        .filter(({ range: [first, last] }) => first <= byte && byte <= last)
        .map(({ to }) => ({ state: to, stack })),
    );
    const next = reached.length === 0 ? null : settle(reached);
    position.next[byte] = next;
    return next;
  }

  function fill(position: Position): Int32Array {
    const mask = new Int32Array(Math.ceil(vocab / 32));
    const path: Position[] = [position];
    const { depths, bytes, ends, tokens, twins } = trie;
    for (let node = 0; node < bytes.length; ) {
      const depth = depths[node] ?? 0;
      const above = path[depth] ?? position;
      const next = step(above, bytes[node] ?? 0);
      if (next === null) {
        node = ends[node] ?? bytes.length;
        continue;
      }
      path[depth + 1] = next;
      for (let id = tokens[node] ?? -1; id >= 0; id = twins[id] ?? -1)
        mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id % 32));
      node++;
    }
    return mask;
  }

  function start(): Position {
    const position = settle([{ state: starts.get('root') ?? RETURN, stack: bottom }]);
    if (position === null) throw new EideticError('invalid_request', 'No answer fits the grammar.');
    return position;
  }

  return {
    start,
    advance(position, bytes) {
      let at: Position | null = position;
      for (const byte of bytes) at = at === null ? null : step(at, byte);
      return at ?? undefined;
    },
    mask: fill,
    size: () => positions.size,
    forget() {
      positions.clear();
      stacks.clear();
    },
  };
}
