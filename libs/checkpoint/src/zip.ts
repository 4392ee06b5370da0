import { invalidCheckpoint } from './invalid-checkpoint.ts';
import type { ShardFile } from './shard-file.ts';

/** Where the bytes of an uncompressed archive entry lie in the file. */
export interface ZipEntry {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The entries of an archive by name, and its central directory as stored (names, sizes and CRC-32 of everything). */
export interface ZipDirectory {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly directoryBytes: Uint8Array;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_BYTES = 56;
const CENTRAL_SIGNATURE = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 1;
/** Stands for "see the zip64 record". */
const IN_ZIP64 = 0xffffffff;
/** Sizes follow the data; the local header may hold zeros. PyTorch sets it on every entry. */
const FLAG_SIZES_FOLLOW = 0x0008;
const FLAG_UTF8 = 0x0800;

/** A shard of the original checkpoint has 312 entries. */
const MAX_ENTRIES = 20_000;
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024;

/**
 * Reads the directory of a zip archive whose entries are stored uncompressed (APPNOTE 6.3.10, zip64 included).
 *
 * @throws EideticError `invalid_checkpoint` for entries that are compressed, encrypted, overlapping, named twice, outside
 * the file, or whose local header disagrees with the central directory.
 */
export async function readZipDirectory(shard: ShardFile): Promise<ZipDirectory> {
  const { count, sizeBytes, offset } = await readEnd(shard);
  if (count > MAX_ENTRIES || sizeBytes > MAX_DIRECTORY_BYTES) {
    const reason = `The archive directory has ${count} entries in ${sizeBytes} bytes; at most ${MAX_ENTRIES} in ${MAX_DIRECTORY_BYTES} are read.`;
    throw invalidCheckpoint({ file: shard.name }, reason);
  }
  const directoryBytes = await shard.read(offset, sizeBytes);
  const entries = new Map<string, ZipEntry>();
  let previousEnd = 0;
  const headers = parseCentralDirectory(directoryBytes, count, shard.name);
  for (const header of headers.toSorted((a, b) => a.localOffset - b.localOffset)) {
    const entry = await locate(shard, header);
    if (header.localOffset < previousEnd || entry.offset + entry.sizeBytes > offset) {
      throw invalidCheckpoint({ file: shard.name }, `Archive entry ${quote(header)} overlaps other parts of the file.`);
    }
    if (entries.has(entry.name)) {
      throw invalidCheckpoint({ file: shard.name }, `Archive entry ${quote(header)} occurs twice.`);
    }
    entries.set(entry.name, entry);
    previousEnd = entry.offset + entry.sizeBytes;
  }
  return { entries, directoryBytes };
}

interface DirectoryExtent {
  readonly count: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

async function readEnd(shard: ShardFile): Promise<DirectoryExtent> {
  const tailOffset = Math.max(0, shard.sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = view(await shard.read(tailOffset, shard.sizeBytes - tailOffset));
  let at = tail.byteLength - END_BYTES;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END_SIGNATURE && at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength)
  )
    at--;
  if (at < 0) {
    const reason = 'Not a zip archive, or a truncated one. Files of torch.save before PyTorch 1.6 must be saved again.';
    throw invalidCheckpoint({ file: shard.name }, reason);
  }
  const endOffset = tailOffset + at;
  const end: DirectoryExtent = {
    count: tail.getUint16(at + 10, true),
    sizeBytes: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  if (tail.getUint16(at + 4, true) !== tail.getUint16(at + 6, true) || tail.getUint16(at + 8, true) !== end.count) {
    throw invalidCheckpoint({ file: shard.name }, 'Archives of several volumes are not supported.');
  }
  const zip64 = await readZip64End(shard, endOffset - ZIP64_LOCATOR_BYTES);
  if (zip64 === undefined) return end;
  // Two readers must not see two archives: what the short record does not leave to the long one has to agree.
  const agrees =
    (end.count === 0xffff || end.count === zip64.count) &&
    (end.sizeBytes === IN_ZIP64 || end.sizeBytes === zip64.sizeBytes) &&
    (end.offset === IN_ZIP64 || end.offset === zip64.offset);
  if (!agrees) throw invalidCheckpoint({ file: shard.name }, 'The zip64 record disagrees with the end of the archive.');
  return zip64;
}

async function readZip64End(shard: ShardFile, locatorOffset: number): Promise<DirectoryExtent | undefined> {
  if (locatorOffset < ZIP64_END_BYTES) return undefined;
  const locator = view(await shard.read(locatorOffset, ZIP64_LOCATOR_BYTES));
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR_SIGNATURE) return undefined;
  const record = view(await shard.read(getSize(locator, 8), ZIP64_END_BYTES));
  if (record.getUint32(0, true) !== ZIP64_END_SIGNATURE) {
    throw invalidCheckpoint({ file: shard.name }, 'The zip64 locator does not point to a zip64 record.');
  }
  return { count: getSize(record, 32), sizeBytes: getSize(record, 40), offset: getSize(record, 48) };
}

interface CentralHeader {
  readonly name: string;
  readonly flags: number;
  readonly sizeBytes: number;
  readonly localOffset: number;
}

function parseCentralDirectory(bytes: Uint8Array<ArrayBuffer>, count: number, file: string): CentralHeader[] {
  const data = view(bytes);
  const headers: CentralHeader[] = [];
  let at = 0;
  while (at + CENTRAL_BYTES <= bytes.length && data.getUint32(at, true) === CENTRAL_SIGNATURE) {
    const nameEnd = at + CENTRAL_BYTES + data.getUint16(at + 28, true);
    const extraEnd = nameEnd + data.getUint16(at + 30, true);
    const end = extraEnd + data.getUint16(at + 32, true);
    if (end > bytes.length) break;
    headers.push(parseCentralHeader(bytes.subarray(at, extraEnd), nameEnd - at, file));
    at = end;
  }
  if (at !== bytes.length || headers.length !== count) {
    throw invalidCheckpoint(
      { file },
      `The archive directory is corrupt: ${headers.length} of ${count} entries are readable.`,
    );
  }
  return headers;
}

function parseCentralHeader(bytes: Uint8Array<ArrayBuffer>, nameEnd: number, file: string): CentralHeader {
  const data = view(bytes);
  const name = Buffer.from(bytes.subarray(CENTRAL_BYTES, nameEnd)).toString('utf8');
  const flags = data.getUint16(8, true);
  if (data.getUint16(10, true) !== 0 || (flags & ~(FLAG_SIZES_FOLLOW | FLAG_UTF8)) !== 0) {
    throw invalidCheckpoint(
      { file },
      `Archive entry ${quote({ name })} is compressed, encrypted or otherwise special.`,
    );
  }
  // The zip64 record holds, in this order, those of the three fields that are saturated.
  const zip64 = findExtra(data, nameEnd);
  let zip64At = 0;
  const [sizeBytes = 0, storedBytes = 0, localOffset = 0] = [24, 20, 42].map((field) => {
    const value = data.getUint32(field, true);
    if (value !== IN_ZIP64) return value;
    if (zip64 === undefined || zip64At + 8 > zip64.byteLength) {
      throw invalidCheckpoint({ file }, `Archive entry ${quote({ name })} lacks its zip64 record.`);
    }
    zip64At += 8;
    return getSize(zip64, zip64At - 8);
  });
  if (sizeBytes !== storedBytes) {
    throw invalidCheckpoint(
      { file },
      `Archive entry ${quote({ name })} has ${storedBytes} bytes stored as ${sizeBytes}.`,
    );
  }
  return { name, flags, sizeBytes, localOffset };
}

function findExtra(data: DataView, start: number): DataView | undefined {
  for (let at = start; at + 4 <= data.byteLength; ) {
    const size = data.getUint16(at + 2, true);
    if (at + 4 + size > data.byteLength) return undefined;
    if (data.getUint16(at, true) === ZIP64_EXTRA) return new DataView(data.buffer, data.byteOffset + at + 4, size);
    at += 4 + size;
  }
  return undefined;
}

/** The data begins after the local header, whose extra field PyTorch fills to align the data. */
async function locate(shard: ShardFile, header: CentralHeader): Promise<ZipEntry> {
  const nameBytes = Buffer.from(header.name);
  const local = view(await shard.read(header.localOffset, LOCAL_BYTES + nameBytes.length));
  const flags = local.getUint16(6, true);
  // Sizes that follow the data are zero here; those in a zip64 record are saturated.
  const unknown = (flags & FLAG_SIZES_FOLLOW) !== 0 ? [0, IN_ZIP64] : [IN_ZIP64];
  const sizesAgree = [18, 22].every((field) => {
    const value = local.getUint32(field, true);
    return value === header.sizeBytes || unknown.includes(value);
  });
  const agrees =
    local.getUint32(0, true) === LOCAL_SIGNATURE &&
    flags === header.flags &&
    local.getUint16(8, true) === 0 &&
    local.getUint16(26, true) === nameBytes.length &&
    nameBytes.equals(new Uint8Array(local.buffer, LOCAL_BYTES)) &&
    sizesAgree;
  if (!agrees) {
    const reason = `The local header of archive entry ${quote(header)} disagrees with the directory.`;
    throw invalidCheckpoint({ file: shard.name }, reason);
  }
  const offset = header.localOffset + LOCAL_BYTES + nameBytes.length + local.getUint16(28, true);
  return { name: header.name, offset, sizeBytes: header.sizeBytes };
}

const quote = ({ name }: { readonly name: string }): string => JSON.stringify(name.slice(0, 200));
const view = (bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** Positions past 2⁵³ lose digits here and are refused as outside the file. */
const getSize = (data: DataView, at: number): number => Number(data.getBigUint64(at, true));
