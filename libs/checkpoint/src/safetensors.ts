import { DTYPE_BYTES, type DType, elementCount } from './dtype.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';
import { isJsonObject, parseJsonObject } from './json.ts';
import type { ShardFile } from './shard-file.ts';
import type { ShardContents, StoredTensor } from './stored-tensor.ts';

/** The limit of the format's reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ['BOOL', 'bool'],
  ['U8', 'uint8'],
  ['I8', 'int8'],
  ['U16', 'uint16'],
  ['I16', 'int16'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['U32', 'uint32'],
  ['I32', 'int32'],
  ['F32', 'float32'],
  ['U64', 'uint64'],
  ['I64', 'int64'],
  ['F64', 'float64'],
]);

/**
 * Reads the header of a safetensors file (https://github.com/huggingface/safetensors#format): a little-endian 64-bit
 * length, that many bytes of JSON, then the tensors, which must fill the rest of the file without gap or overlap.
 */
export async function readSafetensors(shard: ShardFile): Promise<ShardContents> {
  const where = { file: shard.name };
  const lengthBytes = await shard.read(0, 8);
  const headerBytes = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES) {
    const reason = `The header claims ${headerBytes} bytes, more than ${MAX_HEADER_BYTES}: this is no safetensors file.`;
    throw invalidCheckpoint(where, `${reason} If git left a pointer in its place, 'git lfs pull' fetches it.`);
  }
  const header = await shard.read(8, headerBytes);
  const dataStart = 8 + headerBytes;
  const tensors: StoredTensor[] = [];
  for (const [name, entry] of Object.entries(parseJsonObject(header, where))) {
    if (name !== '__metadata__') tensors.push(readEntry(shard, dataStart, name, entry));
  }
  checkCoverage(shard, dataStart, tensors);
  return { tensors, directoryBytes: header };
}

function readEntry(shard: ShardFile, dataStart: number, name: string, entry: unknown): StoredTensor {
  const where = { file: shard.name, tensor: name };
  if (!isJsonObject(entry)) throw invalidCheckpoint(where, 'The header entry is not an object.');
  const dtype = typeof entry.dtype === 'string' ? DTYPES.get(entry.dtype) : undefined;
  if (dtype === undefined) {
    throw invalidCheckpoint(where, `Element type ${JSON.stringify(entry.dtype)?.slice(0, 50)} is not supported.`);
  }
  const { shape, data_offsets: offsets } = entry;
  if (!isNumbers(shape)) throw invalidCheckpoint(where, 'The shape is not a list of numbers.');
  const sizeBytes = elementCount(shape, where) * DTYPE_BYTES[dtype];
  if (!isNumbers(offsets)) throw invalidCheckpoint(where, 'data_offsets is not a list of numbers.');
  const [begin, end] = offsets;
  if (offsets.length !== 2 || !Number.isSafeInteger(begin) || begin === undefined || begin < 0 || end === undefined) {
    throw invalidCheckpoint(where, 'data_offsets is not a pair of positions.');
  }
  if (end - begin !== sizeBytes) {
    throw invalidCheckpoint(where, `${dtype} [${shape}] takes ${sizeBytes} bytes, data_offsets hold ${end - begin}.`);
  }
  return { info: { name, dtype, shape, sizeBytes, file: shard.name }, shard, offset: dataStart + begin };
}

function checkCoverage(shard: ShardFile, dataStart: number, tensors: readonly StoredTensor[]): void {
  let end = dataStart;
  for (const { info, offset } of tensors.toSorted(
    (a, b) => a.offset - b.offset || a.info.sizeBytes - b.info.sizeBytes,
  )) {
    if (offset !== end) {
      const reason = `data_offsets ${offset < end ? 'overlap the previous tensor' : 'leave a gap after the previous tensor'}.`;
      throw invalidCheckpoint({ file: shard.name, tensor: info.name }, reason);
    }
    end += info.sizeBytes;
  }
  if (end !== shard.sizeBytes) {
    const reason = `The header describes ${end} bytes, the file has ${shard.sizeBytes}; it is truncated or corrupt.`;
    throw invalidCheckpoint({ file: shard.name }, reason);
  }
}

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');
