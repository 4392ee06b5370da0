import { DTYPE_BYTES, type DType, elementCount } from './dtype.ts';
import { invalidCheckpoint } from './invalid-checkpoint.ts';
import { PickleGlobal, type PickleValue, unpickle } from './pickle.ts';
import type { ShardFile } from './shard-file.ts';
import type { ShardContents, StoredTensor } from './stored-tensor.ts';
import { readZipDirectory, type ZipEntry } from './zip.ts';

/** A pickle of 853 tensors has 120 KB. */
const MAX_PICKLE_BYTES = 32 * 1024 * 1024;
const PICKLE_SUFFIX = '/data.pkl';

const STORAGE_DTYPES: ReadonlyMap<string, DType> = new Map([
  ['torch.BoolStorage', 'bool'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.CharStorage', 'int8'],
  ['torch.ShortStorage', 'int16'],
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.IntStorage', 'int32'],
  ['torch.FloatStorage', 'float32'],
  ['torch.LongStorage', 'int64'],
  ['torch.DoubleStorage', 'float64'],
]);

class Storage {
  readonly dtype: DType;
  readonly key: string;
  readonly elements: number;

  constructor(dtype: DType, key: string, elements: number) {
    this.dtype = dtype;
    this.key = key;
    this.elements = elements;
  }
}

class Tensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: Storage, offset: number, shape: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
}

/**
 * Reads the directory of a state dict that torch.save wrote: a zip archive of uncompressed entries,
 * `<prefix>/data.pkl` describes the tensors and `<prefix>/data/<key>` holds their bytes
 * (https://github.com/pytorch/pytorch/blob/main/torch/serialization.py). The pickle is never executed.
 */
export async function readTorchArchive(shard: ShardFile): Promise<ShardContents> {
  const where = { file: shard.name };
  const { entries, directoryBytes } = await readZipDirectory(shard);
  const [pickle, ...others] = [...entries.values()].filter(({ name }) => name.endsWith(PICKLE_SUFFIX));
  if (pickle === undefined || others.length > 0)
    throw invalidCheckpoint(where, 'The archive needs exactly one data.pkl.');
  if (pickle.sizeBytes > MAX_PICKLE_BYTES) {
    throw invalidCheckpoint(where, `data.pkl has ${pickle.sizeBytes} bytes; at most ${MAX_PICKLE_BYTES} are read.`);
  }
  const prefix = pickle.name.slice(0, -PICKLE_SUFFIX.length);
  await checkByteOrder(shard, entries.get(`${prefix}/byteorder`));
  const pickleBytes = await shard.read(pickle.offset, pickle.sizeBytes);
  const tensors: StoredTensor[] = [];
  for (const [name, tensor] of readStateDict(pickleBytes, shard.name)) {
    const entry = entries.get(`${prefix}/data/${tensor.storage.key}`);
    tensors.push(locate(shard, name, tensor, entry));
  }
  return { tensors, directoryBytes: Buffer.concat([directoryBytes, pickleBytes]) };
}

async function checkByteOrder(shard: ShardFile, entry: ZipEntry | undefined): Promise<void> {
  // Written since PyTorch 2.1; before that archives are little-endian.
  if (entry === undefined) return;
  const order = Buffer.from(await shard.read(entry.offset, Math.min(entry.sizeBytes, 16))).toString('latin1');
  if (order !== 'little') {
    throw invalidCheckpoint(
      { file: shard.name },
      `Byte order ${JSON.stringify(order)} is not supported; only "little" is.`,
    );
  }
}

function readStateDict(bytes: Uint8Array, file: string): [string, Tensor][] {
  try {
    const dict = unpickle(bytes, { globals: GLOBALS, load: loadStorage });
    if (!(dict instanceof Map)) throw new Error('its value is not a state dict');
    return Array.from(dict, ([name, tensor]) => {
      if (!(tensor instanceof Tensor)) throw new Error(`${JSON.stringify(name.slice(0, 200))} is not a tensor`);
      return [name, tensor];
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidCheckpoint({ file }, `data.pkl is refused: ${reason}.`, error);
  }
}

function locate(shard: ShardFile, name: string, tensor: Tensor, entry: ZipEntry | undefined): StoredTensor {
  const where = { file: shard.name, tensor: name };
  const { storage, shape, offset } = tensor;
  const elementBytes = DTYPE_BYTES[storage.dtype];
  if (entry?.sizeBytes !== storage.elements * elementBytes) {
    const found = entry === undefined ? 'is missing' : `has ${entry.sizeBytes} bytes`;
    const reason = `Storage ${JSON.stringify(storage.key.slice(0, 50))} of ${storage.elements} ${storage.dtype} ${found}.`;
    throw invalidCheckpoint(where, reason);
  }
  const count = elementCount(shape, where);
  if (!isRowMajor(tensor)) {
    throw invalidCheckpoint(
      where,
      `Strides [${tensor.stride}] of shape [${shape}] are not row-major; save it contiguous.`,
    );
  }
  if (!(offset >= 0 && offset + count <= storage.elements)) {
    throw invalidCheckpoint(
      where,
      `Elements ${offset} to ${offset + count} lie outside its storage of ${storage.elements}.`,
    );
  }
  const info = { name, dtype: storage.dtype, shape, sizeBytes: count * elementBytes, file: shard.name };
  return { info, shard, offset: entry.offset + offset * elementBytes };
}

/** Strides of dimensions of one element, and of empty tensors, are free. */
function isRowMajor({ shape, stride }: Tensor): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] ?? 0;
    if (size !== 1 && stride[i] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** ("storage", type, key, location, element count). */
function loadStorage(id: PickleValue): Storage {
  if (Array.isArray(id) && id.length === 5) {
    const [tag, type, key, , elements] = id;
    const dtype = type instanceof PickleGlobal ? STORAGE_DTYPES.get(type.name) : undefined;
    if (tag === 'storage' && dtype !== undefined && typeof key === 'string' && isPosition(elements)) {
      return new Storage(dtype, key, elements);
    }
  }
  throw new Error('a persistent id does not describe a storage');
}

/** (storage, offset, shape, stride, requires_grad, hooks[, metadata]); of these the first four matter. */
function rebuildTensor(args: readonly PickleValue[]): Tensor {
  const [storage, offset, shape, stride] = args;
  if (args.length < 6 || args.length > 7 || !(storage instanceof Storage) || !isPosition(offset)) {
    throw new Error('_rebuild_tensor_v2 is called with arguments that do not describe a tensor');
  }
  if (!isPositions(shape) || !isPositions(stride) || shape.length !== stride.length) {
    throw new Error('a shape and its strides are not tuples of as many numbers');
  }
  return new Tensor(storage, offset, shape, stride);
}

/** (tensor, requires_grad, hooks): a parameter is its tensor. */
function rebuildParameter([tensor]: readonly PickleValue[]): Tensor {
  if (!(tensor instanceof Tensor)) throw new Error('_rebuild_parameter is called without a tensor');
  return tensor;
}

function makeOrderedDict(args: readonly PickleValue[]): PickleValue {
  if (args.length > 0) throw new Error('OrderedDict is called with arguments');
  return new Map();
}

const GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal('collections.OrderedDict', makeOrderedDict),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuildTensor),
    new PickleGlobal('torch._utils._rebuild_parameter', rebuildParameter),
    ...Array.from(STORAGE_DTYPES.keys(), (name) => new PickleGlobal(name)),
  ].map((global) => [global.name, global]),
);

const isPosition = (value: PickleValue): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isPositions = (value: PickleValue): value is number[] => Array.isArray(value) && value.every(isPosition);
