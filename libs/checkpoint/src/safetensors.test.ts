import { describe, expect, it } from 'vitest';
import { refusalOf } from '../test/checkpoint-folder.ts';
import { safetensorsFile } from '../test/write-safetensors.ts';

const FILE = 'model.safetensors';
const refusalOfHeader = (header: unknown, dataBytes = 8): Promise<string> =>
  refusalOf({ [FILE]: safetensorsFile(header, new Uint8Array(dataBytes)) });
const entry = (fields: object = {}): object => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields });

describe('a safetensors file is refused when', () => {
  it.each<[string, unknown, RegExp]>([
    ['its element type is unknown', { a: entry({ dtype: 'F4' }) }, /tensor "a": Element type "F4"/],
    ['its element type is an object', { a: entry({ dtype: { toString: 1 } }) }, /tensor "a": Element type/],
    ['a dimension is negative', { a: entry({ shape: [-2] }) }, /tensor "a": The shape \[-2\]/],
    ['a dimension is a fraction', { a: entry({ shape: [0.5] }) }, /tensor "a": The shape \[0.5\]/],
    ['a dimension is not a number', `{"a":{"dtype":"F32","shape":[null],"data_offsets":[0,8]}}`, /"a": The shape/],
    ['a dimension is infinite', `{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}}`, /"a": The shape/],
    ['it has no shape', { a: entry({ shape: undefined }) }, /tensor "a": The shape is not a list/],
    ['it has no offsets', { a: entry({ data_offsets: undefined }) }, /tensor "a": data_offsets is not a list/],
    ['the shape overflows', { a: entry({ shape: [2 ** 30, 2 ** 30] }) }, /tensor "a": .* too large/],
    ['a zero hides a shape that overflows', { a: entry({ shape: [0, 2 ** 52], data_offsets: [0, 0] }) }, /too large/],
    ['it has too many dimensions', { a: entry({ shape: Array(1000).fill(1) }) }, /"a": The shape has 1000 dimensions/],
    ['size and shape disagree', { a: entry({ shape: [3] }) }, /tensor "a": float32 \[3\] takes 12 bytes/],
    ['the offsets are negative', { a: entry({ data_offsets: [-8, 0] }) }, /tensor "a": data_offsets/],
    ['the offsets are three', { a: entry({ data_offsets: [0, 8, 8] }) }, /tensor "a": data_offsets/],
    ['tensors overlap', { a: entry(), b: entry({ data_offsets: [4, 12] }) }, /tensor "b": data_offsets overlap/],
    ['tensors leave a gap', { a: entry({ data_offsets: [4, 12] }) }, /tensor "a": data_offsets leave a gap/],
    ['the data is shorter', { a: entry({ shape: [4], data_offsets: [0, 16] }) }, /truncated or corrupt/],
    ['the data is longer', { a: entry({ shape: [1], data_offsets: [0, 4] }) }, /truncated or corrupt/],
    ['an entry is not an object', { a: [] }, /tensor "a": The header entry/],
    ['the header is a list', [entry()], /not an object/],
    ['the header is not JSON', '{"a":', /The JSON is refused/],
    ['a name occurs twice', '{"a":1,"\\u0061":1}', /"a" is named twice/],
    ['the header nests too deep', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, /nested deeper/],
    ['the header nests absurdly deep', `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, /nested deeper/],
    ['the header has millions of values', `{"a":[${'1,'.repeat(5e6)}1]}`, /more than 4000000 values/],
    ['a string does not end', `{"${'\\"'.repeat(1e6)}`, /The JSON is refused/],
  ])('%s', async (_, header, message) => {
    const refusal = await refusalOfHeader(header);
    expect(refusal).toMatch(message);
    expect(refusal).toContain(FILE);
  });

  it('a name holds tens of megabytes', async () => {
    expect(await refusalOfHeader(`{"${'\\n'.repeat(3e7)}":1}`)).toContain(FILE);
  });

  it('the header is not UTF-8', async () => {
    const file = safetensorsFile({ a: entry() }, new Uint8Array(8));
    file[10] = 0xff;
    expect(await refusalOf({ [FILE]: file })).toMatch(/The JSON is refused/);
  });

  it.each([
    ['is longer than the file', 1000n, /outside the file/],
    ['claims more than 100 MB', 100_000_001n, /100000001 bytes, more than 100000000/],
    ['claims 16 exabytes', 2n ** 64n - 1n, /more than 100000000/],
  ])('its header %s', async (_, length, message) => {
    const file = safetensorsFile({ a: entry() }, new Uint8Array(8));
    file.writeBigUInt64LE(length);
    expect(await refusalOf({ [FILE]: file })).toMatch(message);
  });

  it('it is the pointer that git leaves without its large file storage', async () => {
    const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
    expect(await refusalOf({ [FILE]: pointer })).toMatch(/no safetensors file.*git lfs pull/);
  });

  it('it is cut anywhere', async () => {
    const file = safetensorsFile({ a: entry() }, new Uint8Array(8));
    for (let length = 0; length < file.length; length++) await refusalOf({ [FILE]: file.subarray(0, length) });
  });
});
