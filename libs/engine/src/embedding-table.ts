import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Bundle } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import type { FloatArray } from './float-array.ts';

/** Tables up to this size are read into memory: a system call for each token would take a twentieth of a small model's step. */
const IN_MEMORY_BYTES = 64 * 2 ** 20;

/**
 * The token embedding table. A large one stays in its file and is read row by row: the system's page cache holds it once for
 * every process, and a vocabulary of 152 k rows takes no memory here.
 */
export class EmbeddingTable {
  /** The whole table, or its open file. */
  readonly #source: Uint8Array | number;
  readonly #rows: number;
  readonly #row: Uint8Array;
  readonly #convert: (target: FloatArray) => void;

  /** @throws EideticError `invalid_bundle` when the file has another size than the manifest's shape. */
  constructor(bundle: Bundle) {
    const { file, dtype, rows, hidden } = bundle.manifest.embeddings;
    this.#rows = rows;
    const buffer = new ArrayBuffer(hidden * (dtype === 'float32' ? 4 : 2));
    this.#row = new Uint8Array(buffer);
    this.#convert = converter(buffer, dtype);
    const path = bundle.path(file);
    const sizeBytes = rows * buffer.byteLength;
    const found = statSync(path).size;
    if (found !== sizeBytes) {
      const message = `The token embedding table ${path} has ${found} bytes; ${rows} rows of ${hidden} ${dtype} take ${sizeBytes}.`;
      throw new EideticError('invalid_bundle', `${message} Convert the checkpoint again.`);
    }
    this.#source = sizeBytes <= IN_MEMORY_BYTES ? readFileSync(path) : openSync(path, 'r');
  }

  /**
   * Writes the embedding of `id` into `target` (`hidden` numbers).
   *
   * @throws EideticError `invalid_request` for an id outside the table.
   */
  read(id: number, target: FloatArray): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.#rows) {
      throw new EideticError('invalid_request', `Token id ${id} is outside the vocabulary of ${this.#rows}.`);
    }
    const { byteLength } = this.#row;
    const start = id * byteLength;
    if (typeof this.#source !== 'number') this.#row.set(this.#source.subarray(start, start + byteLength));
    else if (readSync(this.#source, this.#row, 0, byteLength, start) !== byteLength) {
      throw new EideticError('invalid_bundle', `The token embedding table ends before row ${id}.`);
    }
    this.#convert(target);
  }

  close(): void {
    if (typeof this.#source === 'number') closeSync(this.#source);
  }
}

function converter(row: ArrayBuffer, dtype: 'float32' | 'float16' | 'bfloat16'): (target: FloatArray) => void {
  if (dtype === 'bfloat16') {
    const halves = new Uint16Array(row);
    return (target) => (target instanceof Float32Array ? widen(halves, target) : narrow(halves, target));
  }
  const source = dtype === 'float32' ? new Float32Array(row) : new Float16Array(row);
  return (target) => target.set(source);
}

/** bfloat16 is the upper half of a float32. */
function widen(halves: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] ?? 0) << 16;
}

/** To float16, by a table of all bfloat16 numbers: converting each of them takes several times as long. */
function narrow(halves: Uint16Array, target: Float16Array): void {
  float16OfBfloat16 ??= everyFloat16();
  const bits = new Uint16Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) bits[i] = float16OfBfloat16[halves[i] ?? 0] ?? 0;
}

/** Bits by bits. */
let float16OfBfloat16: Uint16Array | undefined;

function everyFloat16(): Uint16Array {
  const all = new Float32Array(2 ** 16);
  widen(
    Uint16Array.from(all, (_, bits) => bits),
    all,
  );
  return new Uint16Array(new Float16Array(all).buffer);
}
