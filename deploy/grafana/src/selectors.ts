import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** What an expression asks of a label. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** The series that an expression begins with. */
interface Selector {
  readonly metric: string;
  readonly matchers: readonly LabelMatcher[];
}

/** What an expression refers to. */
export interface References {
  readonly selectors: readonly Selector[];
  /** Labels that it groups or joins by. */
  readonly labels: readonly string[];
}

/** Grafana puts durations there. */
const VARIABLES = /\$__(rate_interval|range)/g;

/**
 * The metrics and labels that a PromQL expression refers to, one of a dashboard or of a rule.
 *
 * @throws Error if it is no PromQL.
 */
export const referencesOf = (expr: string): References => {
  const text = expr.replaceAll(VARIABLES, '5m');
  const textOf = ({ from, to }: { readonly from: number; readonly to: number }): string => text.slice(from, to);
  const selectors: Selector[] = [];
  const labels: string[] = [];
  const matcherOf = (node: SyntaxNode): LabelMatcher => {
    const part = (name: string): string => textOf(node.getChild(name) ?? { from: 0, to: 0 });
    return { label: part('LabelName'), operator: part('MatchOp'), value: part('StringLiteral').slice(1, -1) };
  };
  parser.parse(text).iterate({
    enter({ type, node }) {
      if (type.isError) throw new Error(`No PromQL at ${node.from}: ${text}`);
      if (type.name === 'VectorSelector') {
        const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
        const metric = node.getChild('Identifier');
        selectors.push({ metric: metric === null ? '' : textOf(metric), matchers: matchers.map(matcherOf) });
      }
      if (type.name === 'GroupingLabels') labels.push(...node.getChildren('LabelName').map(textOf));
    },
  });
  return { selectors, labels };
};
