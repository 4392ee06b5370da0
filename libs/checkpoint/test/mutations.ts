import { writeZip } from './write-torch.ts';

/** A whole number below `bound`. */
export type Random = (bound: number) => number;

const one = <T>(items: readonly [T, ...T[]] | readonly T[], random: Random): T => items[random(items.length)] as T;

/** Values at which length, offset and count fields break. */
const SHARP_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2d, 0x2e, 0x30, 0x7b];
const SHARP_WORDS = [0, 1, 8, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Overwrites, deletes, repeats or cuts a few bytes. */
export function mutateBytes(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(Math.max(1, bytes.length));
    const length = 1 + random(8);
    const kind = random(8);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else if (kind === 2) bytes = bytes.subarray(0, Math.max(1, at));
    else if (kind === 3) bytes.fill(one(SHARP_BYTES, random), at, Math.min(at + length, bytes.length));
    else bytes[at] = kind === 4 ? random(256) : one(SHARP_BYTES, random);
  }
  return bytes;
}

const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from('X'), uint32(Buffer.byteLength(value)), Buffer.from(value)]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Opcodes and sequences that make Python run code, take memory, or nest. `command` would be run by a shell. */
export function hostileOpcodes(command: string): Buffer[] {
  const shell = Buffer.concat([Buffer.from('cposix\nsystem\n('), text(command), Buffer.from('tR')]);
  const latin = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part, 'latin1'));
  return [
    shell,
    Buffer.concat([Buffer.from('('), text(command), Buffer.from('iposix\nsystem\n')]),
    Buffer.concat([
      text('posix'),
      text('system'),
      Buffer.from('\x93', 'latin1'),
      text(command),
      Buffer.from('\x85R', 'latin1'),
    ]),
    ...latin('\x81', '\x92', 'o', '\x82\x01', '\x84\xff\xff\xff\x7f', 'cbuiltins\neval\n', 'ctorch\nload\n', 'c\n\n'),
    ...latin(
      '\x8b\xff\xff\xff\x7f',
      '\x8b\xff\xff\xff\xff',
      'B\xff\xff\xff\x7f',
      'X\xff\xff\xff\xff',
      'T\xff\xff\xff\x7f',
    ),
    ...latin('\x8d\xff\xff\xff\xff\xff\xff\xff\x7f', '\x95\xff\xff\xff\xff\xff\xff\xff\x7f', '\x8a\xff', '\x80\x05'),
    ...latin(
      'j\xff\xff\xff\xff',
      'r\xff\xff\xff\xff',
      'h\xfe',
      'q\x00',
      '2',
      '0',
      '1',
      ']',
      'a',
      'e',
      'Pos\n',
      'Q',
      'I9e99\n',
      '.',
    ),
    Buffer.alloc(100, '('),
    Buffer.alloc(5000, '}'),
    Buffer.alloc(2000, '\x85', 'latin1'),
    Buffer.from('h\x00h\x00\x86q\x00'.repeat(60), 'latin1'),
    Buffer.concat(Array.from({ length: 500 }, (_, i) => Buffer.concat([Buffer.from('r'), uint32(i * 7919)]))),
  ];
}

/** Bytes that follow an opcode, of those that torch.save writes for a state dict. */
function argumentBytes(pickle: Buffer, at: number): number {
  switch (String.fromCharCode(pickle[at] ?? 0)) {
    case 'X':
      return 4 + pickle.readUInt32LE(at + 1);
    case 'c':
      return pickle.indexOf('\n', pickle.indexOf('\n', at) + 1) - at;
    case '\x8a':
      return 1 + (pickle[at + 1] ?? 0);
    case 'J':
    case 'r':
    case 'j':
      return 4;
    case 'M':
      return 2;
    case 'K':
    case 'q':
    case 'h':
    case '\x80':
      return 1;
    default:
      return 0;
  }
}

function opcodesOf(pickle: Buffer): Buffer[] {
  const opcodes: Buffer[] = [];
  for (let at = 0; at < pickle.length; ) {
    const end = at + 1 + argumentBytes(pickle, at);
    opcodes.push(pickle.subarray(at, end));
    at = end;
  }
  return opcodes;
}

/** Leaves opcodes out, repeats, exchanges and moves them, gives them sharp arguments, and adds some of `hostile`. */
export function mutatePickle(original: Buffer, hostile: readonly Buffer[], random: Random): Buffer {
  const opcodes = opcodesOf(original);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(opcodes.length);
    const opcode = opcodes[at] ?? Buffer.alloc(0);
    const kind = random(6);
    if (kind === 0) opcodes.splice(at, 1 + random(3));
    else if (kind === 1) opcodes.splice(at, 0, ...opcodes.slice(at, at + 1 + random(20)));
    else if (kind === 2) opcodes.splice(at, 1, one(opcodes, random));
    else if (kind === 3) opcodes.splice(random(opcodes.length), 0, ...opcodes.splice(at, 1 + random(5)));
    else if (kind === 4) opcodes[at] = Buffer.concat([opcode.subarray(0, 1), mutateBytes(opcode.subarray(1), random)]);
    else opcodes.splice(at, 0, one(hostile, random));
  }
  return Buffer.concat(opcodes);
}

/** An entry of an archive without zip64 records. */
export interface ArchiveEntry {
  readonly name: string;
  readonly data: Buffer;
}

/** The entries of an archive that `torch.save` wrote. */
export function entriesOf(archive: Buffer): ArchiveEntry[] {
  return recordsOf(archive, CENTRAL).map((at) => {
    const name = archive.toString('utf8', at + 46, at + 46 + archive.readUInt16LE(at + 28));
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    return { name, data: archive.subarray(start, start + archive.readUInt32LE(at + 24)) };
  });
}

/** The archive with another pickle. */
export const withPickle = (entries: readonly ArchiveEntry[], pickle: Buffer): Buffer =>
  writeZip(entries.map(({ name, data }) => ({ name, data: name.endsWith('/data.pkl') ? pickle : data })));

const [LOCAL, CENTRAL, END, END64, LOCATOR64] = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];

/** Where fields of two, four and eight bytes lie in each kind of record. */
const FIELDS: ReadonlyMap<number, readonly (readonly [offset: number, bytes: number])[]> = new Map([
  [
    LOCAL,
    [
      [6, 2],
      [8, 2],
      [18, 4],
      [22, 4],
      [26, 2],
      [28, 2],
    ],
  ],
  [
    CENTRAL,
    [
      [8, 2],
      [10, 2],
      [20, 4],
      [24, 4],
      [28, 2],
      [30, 2],
      [32, 2],
      [42, 4],
    ],
  ],
  [
    END,
    [
      [4, 2],
      [6, 2],
      [8, 2],
      [10, 2],
      [12, 4],
      [16, 4],
      [20, 2],
    ],
  ],
  [
    END64,
    [
      [4, 8],
      [24, 8],
      [32, 8],
      [40, 8],
      [48, 8],
    ],
  ],
  [
    LOCATOR64,
    [
      [4, 4],
      [8, 8],
      [16, 4],
    ],
  ],
]);

function recordsOf(archive: Buffer, signature: number): number[] {
  const found: number[] = [];
  const bytes = uint32(signature);
  for (let at = archive.indexOf(bytes); at >= 0; at = archive.indexOf(bytes, at + 1)) found.push(at);
  return found;
}

/** The archive with its end told in zip64 records as well. */
export function asZip64(archive: Buffer): Buffer {
  const end = archive.subarray(-22);
  const [count, size, offset] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
  const record = Buffer.alloc(76);
  record.writeUInt32LE(END64);
  record.writeBigUInt64LE(44n, 4);
  for (const [at, value] of [
    [24, count],
    [32, count],
    [40, size],
    [48, offset],
  ] as const) {
    record.writeBigUInt64LE(BigInt(value), at);
  }
  record.writeUInt32LE(LOCATOR64, 56);
  record.writeBigUInt64LE(BigInt(archive.length - 22), 64);
  record.writeUInt32LE(1, 72);
  return Buffer.concat([archive.subarray(0, -22), record, end]);
}

/** Writes lies into fields of headers: sharp numbers, and numbers that other fields have (entries that lie in each other). */
export function mutateZip(original: Buffer, random: Random): Buffer {
  const archive = Buffer.from(original);
  for (let edits = 1 + random(2); edits > 0; edits--) {
    const [signature, fields] = one([...FIELDS], random);
    const records = recordsOf(original, signature);
    if (records.length === 0) continue;
    const [offset, size] = one(fields, random);
    const at = one(records, random) + offset;
    const elsewhere = one(records, random) + offset;
    const value =
      random(3) === 0 ? original.readUInt32LE(Math.min(elsewhere, original.length - 4)) : one(SHARP_WORDS, random);
    if (size === 2) archive.writeUInt16LE(value & 0xffff, at);
    else archive.writeUInt32LE(value >>> 0, at);
    if (size === 8) archive.writeUInt32LE(random(4) === 0 ? one(SHARP_WORDS, random) : 0, at + 4);
  }
  return archive;
}

/** JSON texts that break readers: of another type, negative, huge, deep, and names of files elsewhere. */
const SHARP_JSON = [
  'null',
  'true',
  '-1',
  '0',
  '1e308',
  '9007199254740993',
  '0.5',
  '""',
  '[]',
  '{}',
  '[[1]]',
  '{"__proto__":{"a":1}}',
  '"../../etc/passwd"',
  '"/etc/passwd"',
  '"model.safetensors.index.json"',
  '"F128"',
  `"${'x'.repeat(5000)}"`,
  '['.repeat(200) + ']'.repeat(200),
  '[0,1152921504606846976]',
  `[${'9,'.repeat(40)}9]`,
];

/** Replaces values of a JSON text by sharp ones, repeats members, or changes bytes. */
export function mutateJson(original: string, random: Random): Buffer {
  const values = [...original.matchAll(/(?<=[:,[])("(?:[^"\\]|\\.)*"|-?\d+|\[[\d,]*\])(?=[,}\]])/g)];
  const value = values[random(values.length)];
  if (value === undefined || random(4) === 0) return mutateBytes(Buffer.from(original), random);
  const put = random(5) === 0 ? `${value[0]},${value[0]}` : one(SHARP_JSON, random);
  return Buffer.from(original.slice(0, value.index) + put + original.slice(value.index + value[0].length));
}

/** A safetensors file whose header is a JSON text, and its data. */
export function safetensorsParts(file: Buffer): { readonly header: string; readonly data: Buffer } {
  const length = Number(file.readBigUInt64LE());
  return { header: file.toString('utf8', 8, 8 + length), data: file.subarray(8 + length) };
}
