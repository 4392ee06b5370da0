import { EideticError } from '@eidetic/core';
import koffi from 'koffi';
import type { Pointer } from './api.ts';
import { type ElementType, elementTypeOf } from './element-type.ts';
import type { Library } from './library.ts';

/** One input or output of a graph. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** A fixed size, the name of a symbolic dimension, or -1 for one without a name. */
  readonly dims: readonly (number | string)[];
}

/** The inputs of a session's graph, by name, in the graph's order. */
export function readInputs(library: Library, session: Pointer): ReadonlyMap<string, ValueInfo> {
  const { api } = library;
  return readValues(library, Number(api.SessionGetInputCount(session)), (i) => ({
    name: api.SessionGetInputName(session, i, api.allocator),
    typeInfo: api.SessionGetInputTypeInfo(session, i),
  }));
}

/** The outputs of a session's graph, by name, in the graph's order. */
export function readOutputs(library: Library, session: Pointer): ReadonlyMap<string, ValueInfo> {
  const { api } = library;
  return readValues(library, Number(api.SessionGetOutputCount(session)), (i) => ({
    name: api.SessionGetOutputName(session, i, api.allocator),
    typeInfo: api.SessionGetOutputTypeInfo(session, i),
  }));
}

/** Reads a string that onnxruntime allocated, and frees it. */
export function takeString({ api }: Library, address: Pointer): string {
  try {
    return koffi.decode.string(address);
  } finally {
    api.AllocatorFree(api.allocator, address);
  }
}

function readValues(
  library: Library,
  count: number,
  read: (index: number) => { name: Pointer; typeInfo: Pointer },
): ReadonlyMap<string, ValueInfo> {
  const infos = new Map<string, ValueInfo>();
  for (let i = 0; i < count; i++) {
    const { name: address, typeInfo } = read(i);
    const name = takeString(library, address);
    try {
      infos.set(name, { name, ...readTypeInfo(library, typeInfo, name) });
    } finally {
      library.api.ReleaseTypeInfo(typeInfo);
    }
  }
  return infos;
}

function readTypeInfo(library: Library, typeInfo: Pointer, name: string): Omit<ValueInfo, 'name'> {
  const info = library.api.CastTypeInfoToTensorInfo(typeInfo); // belongs to typeInfo
  if (info === 0n) throw new EideticError('invalid_bundle', `"${name}" of the graph is not a tensor.`);
  const dims = readDims(library, info);
  const names = new BigUint64Array(dims.length);
  library.api.GetSymbolicDimensions(info, names, dims.length);
  return {
    type: readType(library, info, name),
    dims: dims.map((dim, i) => (dim >= 0 ? dim : koffi.decode.string(names[i]) || -1)),
  };
}

function readType({ api }: Library, info: Pointer, name: string): ElementType {
  const code = Number(api.GetTensorElementType(info));
  const type = elementTypeOf(code);
  if (!type) {
    throw new EideticError('invalid_bundle', `"${name}" of the graph has element type ${code}, which has no array.`);
  }
  return type;
}

function readDims({ api }: Library, info: Pointer): number[] {
  const dims = new BigInt64Array(Number(api.GetDimensionsCount(info)));
  api.GetDimensions(info, dims, dims.length);
  return Array.from(dims, Number);
}
