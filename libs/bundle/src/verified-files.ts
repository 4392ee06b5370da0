import { createHash } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder } from '@eidetic/folders';
import { z } from 'zod';
import type { ListedFile } from './verify.ts';

const notes = z.record(z.string(), z.string());

/** Remembers which files of a folder were found whole, in a file of their own below another folder. */
export class VerifiedFiles {
  readonly #memory: string;
  readonly #directory: string;
  /** By the file's name: what it looked like when its checksum was right. */
  readonly #notes: Map<string, string>;

  private constructor(memory: string, directory: string, known: Map<string, string>) {
    this.#memory = memory;
    this.#directory = directory;
    this.#notes = known;
  }

  /** What `memory` knows of the files in `directory`: nothing, if it is not there or damaged. */
  static async open(memory: string, directory: string): Promise<VerifiedFiles> {
    const path = notesPath(memory, directory);
    try {
      const known = notes.parse(JSON.parse(await readFile(path, 'utf8')));
      return new VerifiedFiles(memory, directory, new Map(Object.entries(known)));
    } catch {
      // Then all files are read again.
      return new VerifiedFiles(memory, directory, new Map());
    }
  }

  /** Whether the file was found whole when it looked like this. */
  has(file: ListedFile, appearance: string): boolean {
    return this.#notes.get(file.path) === appearance;
  }

  /** The file was found whole. What cannot be written down is not remembered. */
  async add(file: ListedFile, appearance: string): Promise<void> {
    this.#notes.set(file.path, appearance);
    const path = notesPath(this.#memory, this.#directory);
    const partial = `${path}.${process.pid}`;
    try {
      await makeFolder(this.#memory);
      await writeFile(partial, JSON.stringify(Object.fromEntries(this.#notes)));
      await rename(partial, path);
    } catch {
      // A folder that is not writable costs time at the next start, nothing else.
    }
  }

  /**
   * What changes when a file is written to, replaced or moved to another disk, and what it should hold. Programs cannot set the time of
   * the last change, unlike that of the last modification.
   */
  async appearance({ path, sha256 }: ListedFile): Promise<string> {
    const { size, ctimeNs, ino, dev } = await stat(join(this.#directory, path), { bigint: true });
    return [sha256, size, ctimeNs, ino, dev].join(' ');
  }
}

function notesPath(memory: string, directory: string): string {
  const name = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16);
  return join(memory, `${name}.json`);
}
