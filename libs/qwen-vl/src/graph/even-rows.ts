import type { GraphBuilder, Value } from '@eidetic/exporter';

/**
 * Positions of all sequences one below the other, in an even number of rows: a row of zeros follows where they are odd in number.
 * onnxruntime's CPU kernel for wide blocks computes rows in pairs, and the last of an odd number with other last bits
 * (docs/decisions/0034-quantisation-blocks.md).
 */
export class EvenRows {
  readonly #graph: GraphBuilder;
  /** int64 `[2]`: batch and sequence. */
  readonly #dims: Value;
  /** int64 `[1]`: their product. */
  readonly #count: Value;
  /** int64 `[4]`: what Pad adds before and after both axes. */
  readonly #pads: Value;

  private constructor(graph: GraphBuilder, dims: Value, count: Value, pads: Value) {
    this.#graph = graph;
    this.#dims = dims;
    this.#count = count;
    this.#pads = pads;
  }

  /** @param x `[batch, sequence, …]`, whose positions are counted. */
  static async of(graph: GraphBuilder, x: Value): Promise<EvenRows> {
    const dims = graph.node('rows.dims', 'Shape', [x], { attributes: { start: 0n, end: 2n } });
    const count = graph.node('rows.count', 'ReduceProd', [dims], { attributes: { keepdims: 1n } });
    const two = await graph.constant('rows.two', BigInt64Array.of(2n), [1]);
    const odd = graph.node('rows.odd', 'Mod', [count, two]);
    const none = await graph.constant('rows.none', BigInt64Array.of(0n), [1]);
    const pads = graph.node('rows.pads', 'Concat', [none, none, odd, none], { attributes: { axis: 0n } });
    return new EvenRows(graph, dims, count, pads);
  }

  /** `[batch, sequence, width]` to `[rows, width]`. */
  async pad(x: Value, width: number): Promise<Value> {
    const graph = this.#graph;
    const shape = await graph.constant(`${x}.rows.shape`, BigInt64Array.of(-1n, BigInt(width)), [2]);
    return graph.node(`${x}.even`, 'Pad', [graph.node(`${x}.rows`, 'Reshape', [x, shape]), this.#pads]);
  }

  /** `[rows, width]` to `[batch, sequence, width]`. */
  async trim(x: Value, width: number): Promise<Value> {
    const graph = this.#graph;
    const columns = await graph.constant(`${x}.width`, BigInt64Array.of(BigInt(width)), [1]);
    const shape = graph.node(`${x}.shape`, 'Concat', [this.#dims, columns], { attributes: { axis: 0n } });
    const rows = graph.node(`${x}.trimmed`, 'Slice', [x, 'rows.none', this.#count, 'rows.none']);
    return graph.node(`${x}.positions`, 'Reshape', [rows, shape]);
  }
}
