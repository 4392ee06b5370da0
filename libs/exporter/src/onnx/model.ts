import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** ONNX element types, by the numbers of `TensorProto.DataType`. */
const ELEMENT_TYPES = {
  float32: { id: 1, bytes: 4 },
  uint8: { id: 2, bytes: 1 },
  int32: { id: 6, bytes: 4 },
  int64: { id: 7, bytes: 8 },
  float16: { id: 10, bytes: 2 },
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A fixed size, or the name of a size that varies. */
export type Dimension = number | string;

/** A graph input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly Dimension[];
}

/** A constant: bytes inside the model file, or a range of a file beside it. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array }
    | { readonly kind: 'external'; readonly file: string; readonly offset: number; readonly sizeBytes: number };
}

/** Integers must be given as bigint, so that a float attribute of integral value keeps its type. */
export type Attribute = number | bigint | string | readonly bigint[] | readonly number[];

export interface Node {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  /** Empty names are optional inputs left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Model {
  readonly graphName: string;
  readonly producerVersion: string;
  /** Operator set version by domain; '' is the ONNX domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

// IR version 10 came with ONNX 1.16 and opset 21; onnxruntime reads it since 1.18.
const IR_VERSION = 10;

type Fields = (writer: BinaryWriter) => void;

const LENGTH_DELIMITED = 2;
const message = (w: BinaryWriter, field: number, write: Fields): void => {
  w.tag(field, LENGTH_DELIMITED).fork();
  write(w);
  w.join();
};
const text = (w: BinaryWriter, field: number, value: string): BinaryWriter =>
  w.tag(field, LENGTH_DELIMITED).string(value);
const integer = (w: BinaryWriter, field: number, value: number | bigint): BinaryWriter => w.tag(field, 0).int64(value);

/** Writes a `ModelProto` (field numbers of onnx.proto, ONNX 1.16). */
export function encodeModel(model: Model): Uint8Array {
  const w = new BinaryWriter();
  integer(w, 1, IR_VERSION);
  text(w, 2, 'eidetic');
  text(w, 3, model.producerVersion);
  message(w, 7, (g) => {
    for (const node of model.nodes) message(g, 1, (n) => encodeNode(n, node));
    text(g, 2, model.graphName);
    for (const tensor of model.initializers) message(g, 5, (t) => encodeTensor(t, tensor));
    for (const value of model.inputs) message(g, 11, (v) => encodeValueInfo(v, value));
    for (const value of model.outputs) message(g, 12, (v) => encodeValueInfo(v, value));
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    message(w, 8, (o) => integer(text(o, 1, domain), 2, version));
  }
  return w.finish();
}

function encodeNode(w: BinaryWriter, node: Node): void {
  for (const name of node.inputs) text(w, 1, name);
  for (const name of node.outputs) text(w, 2, name);
  text(w, 3, node.name);
  text(w, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message(w, 5, (a) => encodeAttribute(a, name, value));
  text(w, 7, node.domain);
}

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_FLOATS = 6;
const ATTRIBUTE_INTS = 7;

function encodeAttribute(w: BinaryWriter, name: string, value: Attribute): void {
  text(w, 1, name);
  const type = (id: number): BinaryWriter => w.tag(20, 0).int32(id);
  if (typeof value === 'number') {
    w.tag(2, 5).float(value);
    type(ATTRIBUTE_FLOAT);
  } else if (typeof value === 'bigint') {
    integer(w, 3, value);
    type(ATTRIBUTE_INT);
  } else if (typeof value === 'string') {
    text(w, 4, value);
    type(ATTRIBUTE_STRING);
  } else if (value.every((item) => typeof item === 'bigint')) {
    for (const item of value) integer(w, 8, item);
    type(ATTRIBUTE_INTS);
  } else {
    for (const item of value) w.tag(7, 5).float(Number(item));
    type(ATTRIBUTE_FLOATS);
  }
}

function encodeTensor(w: BinaryWriter, tensor: Initializer): void {
  for (const dim of tensor.dims) integer(w, 1, dim);
  w.tag(2, 0).int32(ELEMENT_TYPES[tensor.type].id);
  text(w, 8, tensor.name);
  if (tensor.data.kind === 'inline') {
    w.tag(9, LENGTH_DELIMITED).bytes(tensor.data.bytes);
    return;
  }
  const { file, offset, sizeBytes } = tensor.data;
  for (const [key, value] of [
    ['location', file],
    ['offset', String(offset)],
    ['length', String(sizeBytes)],
  ] as const) {
    message(w, 13, (entry) => text(text(entry, 1, key), 2, value));
  }
  const EXTERNAL = 1;
  w.tag(14, 0).int32(EXTERNAL);
}

function encodeValueInfo(w: BinaryWriter, value: ValueInfo): void {
  text(w, 1, value.name);
  message(w, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, 0).int32(ELEMENT_TYPES[value.type].id);
      message(tensor, 2, (shape) => {
        for (const dim of value.dims) {
          message(shape, 1, (d) => (typeof dim === 'number' ? integer(d, 1, dim) : text(d, 2, dim)));
        }
      });
    }),
  );
}
