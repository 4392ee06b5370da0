import type { DataFile } from './data-file.ts';
import type { Attribute, Dimension, ElementType, Initializer, Model, Node, ValueInfo } from './model.ts';

/** Contrib operators of onnxruntime. */
export const MICROSOFT = 'com.microsoft';

/** Constants up to this size stay inside the model file, where shape inference can see them. */
const INLINE_MAX_BYTES = 1024;

/** Element arrays that a constant can be made from. */
export type ConstantArray = Float32Array | Float16Array | Int32Array | BigInt64Array | Uint8Array;

/** The name of a value in the graph. */
export type Value = string;

/** How a node is made, beyond its operator and inputs. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** '' (ONNX, the default) or {@link MICROSOFT}. */
  readonly domain?: string;
  /** Names of the outputs; an empty name leaves an optional output out. Default: one, named after the node. */
  readonly outputs?: readonly string[];
}

/** Collects nodes and constants of one graph; large constants go to `data` at once. */
export class GraphBuilder {
  readonly #data: DataFile;
  readonly #nodes: Node[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #names = new Set<string>();

  constructor(data: DataFile) {
    this.#data = data;
  }

  /** Declares a graph input. */
  input(name: string, type: ElementType, dims: readonly Dimension[]): Value {
    this.#inputs.push({ name: this.#unique(name), type, dims });
    return name;
  }

  /** Declares a value that some node makes as a graph output. */
  output(name: Value, type: ElementType, dims: readonly Dimension[]): void {
    this.#outputs.push({ name, type, dims });
  }

  /** Adds a node and returns its first output. `name` must be new. */
  node(name: string, op: string, inputs: readonly Value[], options: NodeOptions = {}): Value {
    const outputs = options.outputs ?? [name];
    for (const output of outputs) if (output !== '') this.#unique(output);
    const { attributes = {}, domain = '' } = options;
    this.#nodes.push({ op, domain, name, inputs, outputs, attributes });
    return outputs.find((output) => output !== '') ?? name;
  }

  /** Adds a constant from memory. */
  async constant(name: string, array: ConstantArray, dims: readonly number[]): Promise<Value> {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    if (bytes.byteLength > INLINE_MAX_BYTES) return this.weight(name, elementTypeOf(array), dims, [bytes]);
    const data = { kind: 'inline', bytes: bytes.slice() } as const;
    this.#initializers.push({ name: this.#unique(name), type: elementTypeOf(array), dims, data });
    return name;
  }

  /** Adds a constant whose little-endian bytes come in pieces, unless they are there from an earlier attempt. */
  async weight(
    name: string,
    type: ElementType,
    dims: readonly number[],
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<Value> {
    this.#unique(name);
    const { offset, sizeBytes } = await this.#data.append(name, pieces);
    this.#initializers.push({ name, type, dims, data: { kind: 'external', file: this.#data.name, offset, sizeBytes } });
    return name;
  }

  /** The graph so far, as a model. */
  model(graphName: string, producerVersion: string): Model {
    return {
      graphName,
      producerVersion,
      opsets: { '': 21, [MICROSOFT]: 1 },
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }

  #unique(name: string): string {
    if (this.#names.has(name)) throw new Error(`The graph has two values named '${name}'.`);
    this.#names.add(name);
    return name;
  }
}

function elementTypeOf(array: ConstantArray): ElementType {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float16Array) return 'float16';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof BigInt64Array) return 'int64';
  return 'uint8';
}
