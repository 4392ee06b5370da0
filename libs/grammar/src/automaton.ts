import { EideticError } from '@eidetic/core';
import type { Node, Rules } from './node.ts';
import { type ByteRange, utf8Ranges } from './utf8-ranges.ts';

/** What may happen in a state of the automaton: any of these. */
interface State {
  /** Reads a byte of the range and goes on. */
  readonly edges: { readonly range: ByteRange; readonly to: number }[];
  /** Goes on without reading. */
  readonly jumps: number[];
  /** Reads what a rule reads, then goes on. */
  readonly calls: { readonly rule: string; readonly to: number }[];
}

/** Byte by byte what rules read: one automaton for each, in one list of states. */
export interface Automaton {
  readonly states: readonly State[];
  /** First state by rule. */
  readonly starts: ReadonlyMap<string, number>;
}

/** The state in which a rule is through. */
export const RETURN = 0;

/**
 * Builds the automaton of some rules, from the last piece of each to the first.
 *
 * @param maxStates Most states.
 * @throws EideticError `invalid_request` when there would be more.
 */
export function buildAutomaton(rules: Rules, maxStates: number): Automaton {
  const states: State[] = [];

  function add(): number {
    if (states.length >= maxStates) {
      throw new EideticError(
        'invalid_request',
        `The grammar is too large: more than ${maxStates} states. Use fewer or smaller repetitions (maxLength, maxItems, {n,m}), properties and enums.`,
      );
    }
    return states.push({ edges: [], jumps: [], calls: [] }) - 1;
  }
  function bytes(sequence: readonly ByteRange[], to: number): number {
    let next = to;
    for (const range of sequence.toReversed()) {
      const state = add();
      states[state]?.edges.push({ range, to: next });
      next = state;
    }
    return next;
  }
  function fork(targets: readonly number[]): number {
    const state = add();
    states[state]?.jumps.push(...targets);
    return state;
  }
  function chars(node: Extract<Node, { kind: 'chars' }>, to: number): number {
    const state = add();
    for (const [range, ...tail] of node.ranges.flatMap(utf8Ranges)) {
      if (range !== undefined) states[state]?.edges.push({ range, to: bytes(tail, to) });
    }
    return state;
  }
  function repetition(node: Extract<Node, { kind: 'repeat' }>, to: number): number {
    const { item, min } = node;
    let next = to;
    if (node.max === Number.POSITIVE_INFINITY) {
      next = fork([to]);
      states[next]?.jumps.push(build(item, next));
    } else {
      for (let left = node.max - min; left > 0; left--) next = fork([to, build(item, next)]);
    }
    for (let left = min; left > 0; left--) next = build(item, next);
    return next;
  }
  function build(node: Node, to: number): number {
    switch (node.kind) {
      case 'chars':
        return chars(node, to);
      case 'text':
        return bytes(
          Array.from(Buffer.from(node.text), (byte): ByteRange => [byte, byte]),
          to,
        );
      case 'seq':
        return node.items.reduceRight((next, item) => build(item, next), to);
      case 'alt':
        return fork(node.items.map((item) => build(item, to)));
      case 'repeat':
        return repetition(node, to);
      case 'ref': {
        const state = add();
        states[state]?.calls.push({ rule: node.name, to });
        return state;
      }
    }
  }

  add();
  const starts = new Map([...rules].map(([name, node]) => [name, build(node, RETURN)] as const));
  return { states, starts };
}
