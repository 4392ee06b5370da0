import { readFileSync } from 'node:fs';

/** Reads a float32 array in NumPy's format, version 1 (numpy.lib.format): magic, version, header length, header, data. */
export function readNpy(path: string): Float32Array {
  const file = readFileSync(path);
  const headerLength = file.readUInt16LE(8);
  const header = file.toString('latin1', 10, 10 + headerLength);
  if (!header.includes("'descr': '<f4'") || !header.includes("'fortran_order': False")) {
    throw new Error(`${path} is not a row-major float32 array: ${header}`);
  }
  return new Float32Array(file.buffer.slice(file.byteOffset + 10 + headerLength, file.byteOffset + file.byteLength));
}
