/** One tensor to write; `dtype` as in the file, such as `BF16`. */
export interface SafetensorsEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A safetensors file from a header, given as an object or as text, and the data that follows it. */
export const safetensorsFile = (header: unknown, data: Uint8Array): Buffer =>
  Buffer.concat([safetensorsHeader(header), data]);

/** A header, given as an object or as text, after its length. */
export function safetensorsHeader(header: unknown): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

/** A valid safetensors file that holds the tensors in the order given. */
export function writeSafetensors(tensors: Readonly<Record<string, SafetensorsEntry>>): Buffer {
  let end = 0;
  const header = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  return safetensorsFile(Object.fromEntries(header), Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes)));
}
