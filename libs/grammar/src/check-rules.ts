import { EideticError } from '@eidetic/core';
import { alt, isNullable, NEVER, type Node, type Rules, repeat, seq } from './node.ts';

/**
 * Takes out what can never end, such as an object that needs itself.
 *
 * @throws EideticError `invalid_request` when nothing is left of `root`.
 */
export function withoutDeadRules(rules: Rules): Rules {
  const alive = new Set<string>();
  for (let before = -1; before !== alive.size; ) {
    before = alive.size;
    for (const [name, node] of rules) if (canEnd(node, alive)) alive.add(name);
  }
  if (!alive.has('root')) {
    throw new EideticError('invalid_request', 'No answer fits the grammar: its constraints contradict each other.');
  }
  return new Map([...rules].flatMap(([name, node]) => (alive.has(name) ? [[name, prune(node, alive)] as const] : [])));
}

function canEnd(node: Node, alive: ReadonlySet<string>): boolean {
  switch (node.kind) {
    case 'ref':
      return alive.has(node.name);
    case 'seq':
      return node.items.every((item) => canEnd(item, alive));
    case 'alt':
      return node.items.some((item) => canEnd(item, alive));
    case 'repeat':
      return node.min === 0 || canEnd(node.item, alive);
    default:
      return true;
  }
}

function prune(node: Node, alive: ReadonlySet<string>): Node {
  switch (node.kind) {
    case 'ref':
      return alive.has(node.name) ? node : NEVER;
    case 'seq':
      return seq(...node.items.map((item) => prune(item, alive)));
    case 'alt':
      return alt(node.items.map((item) => prune(item, alive)));
    case 'repeat':
      return repeat(prune(node.item, alive), node.min, node.max);
    default:
      return node;
  }
}

/**
 * Refuses rules that may begin with themselves: a parser has to read something before it comes by again.
 *
 * @throws EideticError `invalid_request`.
 */
export function checkLeftRecursion(rules: Rules): void {
  const done = new Set<string>();
  const open = new Set<string>();
  function visit(name: string): void {
    if (done.has(name)) return;
    if (open.has(name)) {
      throw new EideticError(
        'invalid_request',
        'A $ref of the JSON Schema leads back to itself without an object or an array in between. Remove the circle.',
      );
    }
    open.add(name);
    for (const next of beginnings(rules.get(name) ?? NEVER)) visit(next);
    open.delete(name);
    done.add(name);
  }
  for (const name of rules.keys()) visit(name);
}

/** Rules that a text of the node may begin with. */
function beginnings(node: Node): string[] {
  switch (node.kind) {
    case 'ref':
      return [node.name];
    case 'alt':
      return node.items.flatMap(beginnings);
    case 'repeat':
      return beginnings(node.item);
    case 'seq': {
      const solid = node.items.findIndex((item) => !isNullable(item));
      return node.items.slice(0, solid < 0 ? node.items.length : solid + 1).flatMap(beginnings);
    }
    default:
      return [];
  }
}
