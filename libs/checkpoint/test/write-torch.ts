import { crc32 } from 'node:zlib';

/** A tensor of a pickled state dict. Strides default to row-major. */
export interface PickledTensor {
  /** Such as `BFloat16Storage`. */
  readonly type: string;
  readonly key: string;
  readonly elements: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
}

/** An entry of a zip archive; fields other than name and data are written as they are, right or wrong. */
export interface ZipItem {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly localName?: string;
  readonly localSize?: number;
}

const line = (text: string): Buffer => Buffer.from(`${text}\n`);
const bytes = (...values: number[]): Buffer => Buffer.from(values);

/** Opcodes of pickle protocol 2. */
export const pickle = {
  begin: bytes(0x80, 2),
  stop: Buffer.from('.'),
  text: (value: string): Buffer => {
    const utf8 = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(utf8.length);
    return Buffer.concat([Buffer.from('X'), length, utf8]);
  },
  integer: (value: number): Buffer => {
    const digits = Buffer.alloc(8);
    digits.writeBigInt64LE(BigInt(value));
    return Buffer.concat([bytes(0x8a, 8), digits]);
  },
  global: (module: string, name: string): Buffer => Buffer.concat([Buffer.from('c'), line(module), line(name)]),
  tuple: (...items: Buffer[]): Buffer => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  call: (target: Buffer, ...args: Buffer[]): Buffer => Buffer.concat([target, pickle.tuple(...args), Buffer.from('R')]),
  dict: (...keysAndValues: Buffer[]): Buffer => Buffer.concat([Buffer.from('}('), ...keysAndValues, Buffer.from('u')]),
  orderedDict: (): Buffer => pickle.call(pickle.global('collections', 'OrderedDict')),
  storage: ({ type, key, elements }: PickledTensor): Buffer => {
    const location = pickle.text('cpu');
    const parts = [pickle.text('storage'), pickle.global('torch', type), pickle.text(key), location];
    return Buffer.concat([pickle.tuple(...parts, pickle.integer(elements)), Buffer.from('Q')]);
  },
  tensor: (tensor: PickledTensor): Buffer => {
    const { shape, offset = 0, stride = rowMajor(shape) } = tensor;
    return pickle.call(
      pickle.global('torch._utils', '_rebuild_tensor_v2'),
      pickle.storage(tensor),
      pickle.integer(offset),
      pickle.tuple(...shape.map(pickle.integer)),
      pickle.tuple(...stride.map(pickle.integer)),
      bytes(0x89),
      pickle.orderedDict(),
    );
  },
  /** A whole pickle of one value. */
  document: (value: Buffer): Buffer => Buffer.concat([pickle.begin, value, pickle.stop]),
  stateDict: (tensors: Readonly<Record<string, PickledTensor>>): Buffer =>
    pickle.document(pickle.dict(...Object.entries(tensors).flatMap(([k, v]) => [pickle.text(k), pickle.tensor(v)]))),
};

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));

/** A zip archive whose entries are stored uncompressed. */
export function writeZip(items: readonly ZipItem[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, data, method = 0, flags = 0, localName = name, localSize = data.length } of items) {
    const local = localHeader({ name: localName, flags, method, crc: crc32(data), sizeBytes: localSize });
    locals.push(Buffer.concat([local, data]));
    centrals.push(centralHeader({ name, flags, method, crc: crc32(data), sizeBytes: data.length, offset }));
    offset += locals.at(-1)?.length ?? 0;
  }
  const directory = Buffer.concat(centrals);
  return Buffer.concat([...locals, directory, endRecord(items.length, directory.length, offset)]);
}

/** A local header with its name; `extra` is written after them as it is. */
export function localHeader(entry: {
  readonly name: string;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly sizeBytes?: number;
  readonly extra?: Uint8Array;
}): Buffer {
  const { name, flags = 0, method = 0, crc = 0, sizeBytes = 0, extra = bytes() } = entry;
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(sizeBytes, 18);
  header.writeUInt32LE(sizeBytes, 22);
  header.writeUInt16LE(Buffer.byteLength(name), 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, Buffer.from(name), extra]);
}

/** A central directory header; sizes and offsets that need it go into a zip64 record. */
export function centralHeader(entry: {
  readonly name: string;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly sizeBytes: number;
  readonly offset: number;
}): Buffer {
  const { name, flags = 0, method = 0, crc = 0, sizeBytes, offset } = entry;
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50);
  header.writeUInt16LE(flags, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt32LE(crc, 16);
  header.writeUInt16LE(Buffer.byteLength(name), 28);
  const wide = [sizeBytes, sizeBytes, offset].map((value, i) => {
    header.writeUInt32LE(Math.min(value, 0xffffffff), [24, 20, 42][i]);
    const digits = Buffer.alloc(8);
    digits.writeBigUInt64LE(BigInt(value));
    return value < 0xffffffff ? Buffer.alloc(0) : digits;
  });
  const zip64 = Buffer.concat(wide);
  const extra = Buffer.from(Uint16Array.of(1, zip64.length).buffer);
  header.writeUInt16LE(zip64.length + 4, 30);
  return Buffer.concat([header, Buffer.from(name), extra, zip64]);
}

/** The end of an archive, zip64 where needed. */
export function endRecord(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(Math.min(directoryOffset, 0xffffffff), 16);
  if (directoryOffset < 0xffffffff) return end;
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(directoryBytes), 40);
  record.writeBigUInt64LE(BigInt(directoryOffset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 64);
  record.writeUInt32LE(1, 72);
  return Buffer.concat([record, end]);
}

/** A file as torch.save writes it: a pickle and the storages by key. */
export function writeTorch(dataPickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>>): Buffer {
  const data = Object.entries(storages).map(([key, bytesOf]) => ({ name: `archive/data/${key}`, data: bytesOf }));
  return writeZip([{ name: 'archive/data.pkl', data: dataPickle }, ...data]);
}
