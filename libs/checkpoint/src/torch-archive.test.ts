import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointFolder, refusalOf } from '../test/checkpoint-folder.ts';
import { type PickledTensor, pickle, writeTorch, writeZip } from '../test/write-torch.ts';
import { openCheckpoint } from './checkpoint.ts';

const FILE = 'pytorch_model.bin';
/** Written by PyTorch 1.12.1; see make.py in the folder. */
const GENUINE = join(import.meta.dirname, '../test/data/torch');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const storage = new Uint8Array(12);
const tensor: PickledTensor = { type: 'BFloat16Storage', key: '0', elements: 6, shape: [2, 3] };
const refusalOfTensor = (fields: Partial<PickledTensor>): Promise<string> =>
  refusalOf({ [FILE]: writeTorch(pickle.stateDict({ a: { ...tensor, ...fields } }), { 0: storage }) });
const refusalOfPickle = (...parts: Buffer[]): Promise<string> =>
  refusalOf({ [FILE]: writeTorch(Buffer.concat(parts), { 0: storage }) });

describe('a PyTorch checkpoint', () => {
  it('reads as PyTorch reads it: views, tied and empty tensors, scalars, parameters, every element type', async () => {
    await using checkpoint = await openCheckpoint(GENUINE);
    const expected: Record<string, { float32Sha256?: string }> = JSON.parse(
      await readFile(join(GENUINE, 'expected.json'), 'utf8'),
    );
    const found: Record<string, unknown> = {};
    for (const [name, { dtype, shape, file }] of checkpoint.tensors) {
      found[name] = { dtype, shape, file, sha256: sha256(await checkpoint.readRaw(name)) };
      if (expected[name]?.float32Sha256 !== undefined) {
        const values = await checkpoint.readFloat32(name);
        Object.assign(found[name] as object, { float32Sha256: sha256(new Uint8Array(values.buffer)) });
      }
    }
    expect(Object.keys(found)).toHaveLength(20);
    expect(found).toEqual(expected);
  });

  it('is refused when PyTorch wrote a tensor column-major', async () => {
    const file = await readFile(join(GENUINE, 'column-major.bin'));
    expect(await refusalOf({ [FILE]: file })).toMatch(/tensor "column-major": Strides \[1,4\] of shape \[4,3\]/);
  });

  it('opens with strides that do not matter, an offset into a shared storage, and a byte order entry', async () => {
    const state = pickle.stateDict({
      a: { ...tensor, shape: [1, 6], stride: [999, 1] },
      b: { ...tensor, shape: [0, 3], stride: [7, 7] },
      c: { ...tensor, offset: 4, shape: [2] },
    });
    const items = {
      'p/data.pkl': state,
      'p/byteorder': Buffer.from('little'),
      'p/data/0': Buffer.from('abcdefghijkl'),
    };
    const zip = writeZip(Object.entries(items).map(([name, data]) => ({ name, data })));
    await using folder = await checkpointFolder({ [FILE]: zip });
    await using checkpoint = await openCheckpoint(folder.path);
    expect(Buffer.from(await checkpoint.readRaw('a')).toString()).toBe('abcdefghijkl');
    expect(await checkpoint.readRaw('b')).toHaveLength(0);
    expect(Buffer.from(await checkpoint.readRaw('c')).toString()).toBe('ijkl');
  });
});

describe('a storage is refused when', () => {
  it.each<[string, Partial<PickledTensor>, RegExp]>([
    ['its entry has another size', { elements: 7 }, /tensor "a": Storage "0" of 7 bfloat16 has 12 bytes/],
    ['its entry is missing', { key: '1' }, /tensor "a": Storage "1" of 6 bfloat16 is missing/],
    ['its key leads elsewhere', { key: '../data.pkl' }, /is missing/],
    ['the tensor exceeds it', { offset: 1 }, /tensor "a": Elements 1 to 7 lie outside its storage of 6/],
    ['the tensor begins before it', { offset: -1 }, /do not describe a tensor/],
    ['the tensor is column-major', { stride: [1, 2] }, /tensor "a": Strides \[1,2\]/],
    ['the tensor repeats an element', { stride: [0, 0] }, /tensor "a": Strides \[0,0\]/],
    ['the strides are too few', { stride: [1] }, /not tuples of as many numbers/],
    ['a dimension is negative', { shape: [-2, -3] }, /not tuples of as many numbers/],
    ['the shape overflows', { shape: [2 ** 40, 2 ** 40] }, /tensor "a": .* too large/],
    ['its type is unknown', { type: 'ComplexFloatStorage' }, /global "torch.ComplexFloatStorage" is not allowed/],
    ['its type is not a storage', { type: '_utils\n_rebuild_tensor_v2' }, /is not allowed/],
  ])('%s', async (_, fields, message) => {
    const refusal = await refusalOfTensor(fields);
    expect(refusal).toMatch(message);
    expect(refusal).toContain(FILE);
  });
});

describe('a pickle is refused when it', () => {
  const opcodes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const document = (text: string): Buffer => pickle.document(opcodes(text));
  const state = pickle.stateDict({ a: tensor });
  /** LONG_BINPUT. */
  const remember = (key: number): Buffer => Buffer.concat([opcodes('r'), Buffer.from(Uint32Array.of(key).buffer)]);

  it.each<[string, Buffer, RegExp]>([
    [
      'names os.system',
      pickle.document(pickle.call(pickle.global('os', 'system'), pickle.text('true'))),
      /"os.system"/,
    ],
    ['names builtins.eval', pickle.document(pickle.global('builtins', 'eval')), /"builtins.eval" is not allowed/],
    ['names a property of Object', pickle.document(pickle.global('__proto__', 'constructor')), /not allowed/],
    ['names an endless global', document(`c${'a'.repeat(100_000)}`), /too long/],
    ['calls a storage type', pickle.document(pickle.call(pickle.global('torch', 'FloatStorage'))), /not callable/],
    ['calls a text', pickle.document(pickle.call(pickle.text('a'))), /not callable/],
    [
      'calls OrderedDict with items',
      pickle.document(pickle.call(pickle.global('collections', 'OrderedDict'), pickle.tuple())),
      /arguments/,
    ],
    [
      'rebuilds a tensor from nothing',
      pickle.document(pickle.call(pickle.global('torch._utils', '_rebuild_tensor_v2'))),
      /do not describe/,
    ],
    ['has an unknown opcode (INST)', document('(ios\nsystem\n'), /opcode 0x69 is not allowed/],
    ['has an unknown opcode (OBJ)', document('(o'), /opcode 0x6f is not allowed/],
    ['has an unknown opcode (NEWOBJ)', document('))\x81'), /opcode 0x81 is not allowed/],
    ['has an unknown opcode (STACK_GLOBAL)', document('\x93'), /opcode 0x93 is not allowed/],
    ['has an unknown opcode (EXT1)', document('\x82\x01'), /opcode 0x82 is not allowed/],
    ['is of another protocol', Buffer.concat([Buffer.from([0x80, 4]), state.subarray(2)]), /protocol 2/],
    ['is empty', Buffer.alloc(0), /truncated/],
    ['is not a dict', document('N'), /not a state dict/],
    [
      'holds something besides tensors',
      pickle.document(pickle.dict(pickle.text('a'), pickle.integer(1))),
      /"a" is not a tensor/,
    ],
    [
      'has a key that is not text',
      pickle.document(pickle.dict(pickle.integer(1), pickle.integer(1))),
      /key is not a string/,
    ],
    [
      'names a tensor twice',
      pickle.document(pickle.dict(pickle.text('a'), pickle.integer(1), pickle.text('a'), pickle.integer(1))),
      /"a" occurs twice/,
    ],
    ['sets items on a text', document('X\x00\x00\x00\x00NNs'), /items are set on something/],
    ['sets a key without a value', document('}(Nu'), /items are set on something/],
    ['stores from an empty stack', document('q\x00h\x00'), /stack is empty/],
    ['has a persistent id that is a text', document('X\x00\x00\x00\x00Q'), /does not describe a storage/],
    [
      'has a storage of -1 elements',
      pickle.document(pickle.storage({ ...tensor, elements: -1 })),
      /describe a storage/,
    ],
    [
      'makes a parameter of a text',
      pickle.document(pickle.call(pickle.global('torch._utils', '_rebuild_parameter'), pickle.text('a'))),
      /without a tensor/,
    ],
    ['sets state on a text', document('X\x00\x00\x00\x00}b'), /state is set on/],
    ['pops an empty stack', document('R'), /stack is empty/],
    ['pops what lies under a mark', document('NN(\x86'), /stack is empty/],
    ['closes a mark that is not open', document('t'), /mark is missing/],
    ['leaves a mark open', document('}(N'), /left over/],
    ['leaves values over', document('N}'), /left over/],
    ['recalls what it never stored', document('h\x07'), /memo 7 is not set/],
    ['goes on after its end', Buffer.concat([state, Buffer.from('N.')]), /bytes follow/],
    ['claims a text of 4 GB', document('X\xff\xff\xff\xffa'), /truncated/],
    ['has a number of 255 bytes', document(`\x8a\xff${'\x01'.repeat(255)}`), /number is too large/],
    ['nests marks without end', document('('.repeat(100_000)), /nests deeper than 64/],
    [
      'remembers one dict millions of times',
      Buffer.concat([pickle.begin, Buffer.from('}'), ...Array.from({ length: 1_000_001 }, (_, i) => remember(i))]),
      /remembers more than 1000000 values/,
    ],
    ['creates millions of dicts', document('}'.repeat(1_100_000)), /more than 1000000 values/],
    ['wraps tuples half a million times', document(`)${'\x85'.repeat(500_000)}`), /not a state dict/],
    ['doubles a tuple a thousand times', document(`)${'q\x00h\x00\x86'.repeat(1000)}`), /not a state dict/],
  ])('%s', async (_, data, message) => {
    const refusal = await refusalOfPickle(data);
    expect(refusal).toMatch(message);
    expect(refusal).toMatch(/^pytorch_model\.bin: data\.pkl is refused/);
  });
});

describe('an archive is refused when', () => {
  const state = pickle.stateDict({ a: tensor });
  const items = [
    { name: 'archive/data.pkl', data: state },
    { name: 'archive/data/0', data: storage },
  ] as const;
  const [dataPickle, data] = items;
  const patched = (signature: number, field: number, value: number): Buffer => {
    const zip = writeZip(items);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(signature);
    zip.writeUInt32LE(value, zip.lastIndexOf(bytes) + field);
    return zip;
  };

  it.each<[string, Buffer, RegExp]>([
    [
      'an entry is compressed',
      writeZip([dataPickle, { ...data, method: 8 }]),
      /"archive\/data\/0" is compressed, encrypted/,
    ],
    [
      'an entry is encrypted',
      writeZip([dataPickle, { ...data, flags: 1 }]),
      /"archive\/data\/0" is compressed, encrypted/,
    ],
    ['a local header has another name', writeZip([dataPickle, { ...data, localName: 'archive/data/1' }]), /disagrees/],
    [
      'a local header has another size',
      writeZip([dataPickle, { ...data, localSize: 4 }]),
      /disagrees with the directory/,
    ],
    ['a size differs from what is stored', patched(0x02014b50, 24, 1000), /has 12 bytes stored as 1000/],
    ['a local header belongs to another entry', patched(0x02014b50, 42, 0), /disagrees with the directory/],
    ['an entry lies outside the file', patched(0x02014b50, 42, 0x7fffffff), /outside the file/],
    ['a zip64 record is missing', patched(0x02014b50, 42, 0xffffffff), /lacks its zip64 record/],
    ['the directory lies outside the file', patched(0x06054b50, 16, 0x7fffffff), /outside the file/],
    ['the directory is huge', patched(0x06054b50, 12, 0x7fffffff), /2 entries in 2147483647 bytes; at most/],
    ['the count is wrong', patched(0x06054b50, 8, 0x00030003), /2 of 3 entries are readable/],
    ['it spans volumes', patched(0x06054b50, 4, 1), /several volumes/],
    ['an entry occurs twice', writeZip([dataPickle, data, data]), /"archive\/data\/0" occurs twice/],
    ['it has no pickle', writeZip([data]), /exactly one data\.pkl/],
    [
      'it has two pickles',
      writeZip([dataPickle, { ...dataPickle, name: 'b/data.pkl' }, data]),
      /exactly one data\.pkl/,
    ],
    ['its pickle is huge', writeTorch(new Uint8Array(2 ** 25 + 1), {}), /data\.pkl has 33554433 bytes/],
    [
      'it is big-endian',
      writeZip([...items, { name: 'archive/byteorder', data: Buffer.from('big') }]),
      /Byte order "big"/,
    ],
    ['it is not an archive', Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'), /before PyTorch 1\.6/],
    ['it is empty', Buffer.alloc(0), /Not a zip archive/],
  ])('%s', async (_, file, message) => {
    const refusal = await refusalOf({ [FILE]: file });
    expect(refusal).toMatch(message);
    expect(refusal).toContain(FILE);
  });

  it.each([
    ['the zip64 locator points elsewhere', 0x07064b50, 8, /does not point to a zip64 record/],
    ['the zip64 record has another count', 0x06064b50, 32, /disagrees with the end of the archive/],
  ])('%s', async (_, signature, field, message) => {
    const zip = await readFile(join(GENUINE, 'pytorch_model-00001-of-00002.bin'));
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(signature);
    zip.writeUInt32LE(1, zip.lastIndexOf(bytes) + field);
    expect(await refusalOf({ [FILE]: zip })).toMatch(message);
  });

  it('entries share bytes', async () => {
    const inner = { name: 'archive/data/1', data: storage };
    const innerBytes = writeZip([inner]).subarray(0, 30 + inner.name.length + storage.length);
    const zip = writeZip([dataPickle, { ...data, data: innerBytes }, inner]);
    zip.writeUInt32LE(zip.indexOf(innerBytes), zip.lastIndexOf('PK\x01\x02') + 42);
    expect(await refusalOf({ [FILE]: zip })).toMatch(/"archive\/data\/1" overlaps/);
  });

  it('it is cut anywhere', async () => {
    const zip = writeZip(items);
    for (let length = 0; length < zip.length; length++) await refusalOf({ [FILE]: zip.subarray(0, length) });
  });
});
