/** Writes small ONNX models by hand, so that tests need no exporter. Field numbers are those of onnx.proto. */

/** A tensor of a graph: ONNX element type number, and sizes or names of its dimensions (-1 for one with neither). */
export interface TinyValue {
  readonly name: string;
  readonly type: number;
  readonly dims: readonly (number | string)[];
}

/** An operator of a graph. */
interface TinyNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A graph of standard operators without attributes or weights. */
export interface TinyGraph {
  readonly inputs: readonly TinyValue[];
  readonly outputs: readonly TinyValue[];
  readonly nodes: readonly TinyNode[];
}

/** ONNX element type numbers. */
const FLOAT = 1;
export const UINT8 = 2;
export const INT32 = 6;
export const STRING = 8;

type Field = readonly [number, number | string | Uint8Array];

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

function message(...fields: readonly Field[]): Uint8Array {
  const bytes = fields.map(([number, value]) => {
    if (typeof value === 'number') return Uint8Array.from([...varint(number * 8), ...varint(value)]);
    const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return Uint8Array.from([...varint(number * 8 + 2), ...varint(content.length), ...content]);
  });
  return Buffer.concat(bytes);
}

function valueInfo({ name, type, dims }: TinyValue): Uint8Array {
  const shape = dims.map((dim): Field => {
    if (typeof dim === 'string') return [1, message([2, dim])];
    return [1, dim < 0 ? message() : message([1, dim])];
  });
  return message([1, name], [2, message([1, message([1, type], [2, message(...shape)])])]);
}

/** The bytes of a model, IR version 8, opset 17. */
export function tinyModel(graph: TinyGraph): Uint8Array {
  const nodes = graph.nodes.map(
    ({ op, inputs, outputs }): Field => [
      1,
      message(...inputs.map((x): Field => [1, x]), ...outputs.map((x): Field => [2, x]), [4, op]),
    ],
  );
  const body = message(
    ...nodes,
    [2, 'tiny'],
    ...graph.inputs.map((value): Field => [11, valueInfo(value)]),
    ...graph.outputs.map((value): Field => [12, valueInfo(value)]),
  );
  return message([1, 8], [7, body], [8, message([1, ''], [2, 17])]);
}

const value = (name: string, type: number, dims: TinyValue['dims']): TinyValue => ({ name, type, dims });

/** `y = x`, of any length. */
export const identity = (type = FLOAT, dims: TinyValue['dims'] = ['n']): Uint8Array =>
  tinyModel({
    inputs: [value('x', type, dims)],
    outputs: [value('y', type, dims)],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });

/** `sum = a + b`. */
export const add = (type = FLOAT, dims: TinyValue['dims'] = ['n']): Uint8Array =>
  tinyModel({
    inputs: [value('a', type, dims), value('b', type, dims)],
    outputs: [value('sum', type, dims)],
    nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['sum'] }],
  });

/** `product = a b`, a chain of `depth` products of square matrices with b. */
export const matmul = (depth = 1): Uint8Array =>
  tinyModel({
    inputs: [value('a', FLOAT, ['rows', 'n']), value('b', FLOAT, ['n', 'n'])],
    outputs: [value('product', FLOAT, ['rows', 'n'])],
    nodes: Array.from({ length: depth }, (_, i) => ({
      op: 'MatMul',
      inputs: [i === 0 ? 'a' : `step${i - 1}`, 'b'],
      outputs: [i === depth - 1 ? 'product' : `step${i}`],
    })),
  });
