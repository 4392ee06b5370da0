import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { centralHeader, endRecord, localHeader, pickle } from '@eidetic/checkpoint/writers';
import { elementsOf, type PlannedTensor } from './shards.ts';

/** A tensor's numbers in pieces. */
export type BytesOf = (tensor: PlannedTensor) => Iterable<Uint8Array>;

/** PyTorch pads the header of every entry so that its data lies at a multiple of this. */
const ALIGNMENT = 64;

/** Sizes and checksum follow the data; names are UTF-8. */
const FLAGS = 0x0808;

/** Writes a file as `torch.save` writes a state dict of bfloat16 tensors. */
export async function writeTorchShard(
  path: string,
  tensors: readonly PlannedTensor[],
  bytesOf: BytesOf,
): Promise<void> {
  await using file = await open(path, 'w');
  const archive = new ArchiveWriter(file);
  const described = tensors.map(({ name, shape }, key) => {
    return [name, { type: 'BFloat16Storage', key: String(key), elements: elementsOf(shape), shape }] as const;
  });
  await archive.add('archive/data.pkl', [pickle.stateDict(Object.fromEntries(described))]);
  for (const [key, tensor] of tensors.entries()) await archive.add(`archive/data/${key}`, bytesOf(tensor));
  await archive.add('archive/version', [Buffer.from('3\n')]);
  await archive.finish();
}

/** A zip archive of uncompressed entries that come in pieces. */
class ArchiveWriter {
  readonly #file: FileHandle;
  readonly #directory: Buffer[] = [];
  #position = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async add(name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const offset = this.#position;
    await this.#write(localHeader({ name, flags: FLAGS, extra: paddingField(offset + 30 + name.length) }));
    let crc = 0;
    let sizeBytes = 0;
    for (const piece of pieces) {
      crc = crc32(piece, crc);
      sizeBytes += piece.length;
      await this.#write(piece);
    }
    const descriptor = Buffer.alloc(16);
    descriptor.writeUInt32LE(0x08074b50);
    descriptor.writeUInt32LE(crc, 4);
    descriptor.writeUInt32LE(sizeBytes, 8);
    descriptor.writeUInt32LE(sizeBytes, 12);
    await this.#write(descriptor);
    this.#directory.push(centralHeader({ name, flags: FLAGS, crc, sizeBytes, offset }));
  }

  async finish(): Promise<void> {
    const directory = Buffer.concat(this.#directory);
    const end = endRecord(this.#directory.length, directory.length, this.#position);
    await this.#write(Buffer.concat([directory, end]));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at, bytes.length - at)).bytesWritten;
    this.#position += bytes.length;
  }
}

/** An extra field "FB" that takes the data behind it to the alignment (`caffe2/serialize/inline_container.cc`). */
function paddingField(end: number): Buffer {
  const length = ALIGNMENT - ((end + 4) % ALIGNMENT);
  const field = Buffer.alloc(4 + length, 'Z');
  field.write('FB');
  field.writeUInt16LE(length, 2);
  return field;
}
